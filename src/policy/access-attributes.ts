import type { FieldRequirement, LabelRequirement, ResourceRequest } from '../cel/authorizer-value.js'
import type { AccessAttributes, SelectorRequirement } from '../rbac/operation.js'

/**
 * A check of an expression as an authorizer is asked it. A requirement that a SubjectAccessReview cannot say (`>`, `<`) is
 * left out, as in Kubernetes: then the question is about more objects, never fewer.
 */
export function accessAttributes(request: ResourceRequest): AccessAttributes {
  const { verb, group, resource, subresource, namespace, name, fieldSelector, labelSelector } = request
  const plain = { verb, group, resource, subresource, namespace, name }
  if (fieldSelector === undefined && labelSelector === undefined) return plain
  return {
    ...plain,
    ...(fieldSelector && { fieldSelector: fieldSelector.map(fieldRequirement) }),
    ...(labelSelector && { labelSelector: labelSelector.flatMap(labelRequirement) }),
  }
}

function fieldRequirement({ field, operator, value }: FieldRequirement): SelectorRequirement {
  return { key: field, operator: operator === '=' ? 'In' : 'NotIn', values: [value] }
}

function labelRequirement({ key, operator, values }: LabelRequirement): readonly SelectorRequirement[] {
  switch (operator) {
    case '=':
    case '==':
    case 'in':
      return [{ key, operator: 'In', values }]
    case '!=':
    case 'notin':
      return [{ key, operator: 'NotIn', values }]
    case 'exists':
      return [{ key, operator: 'Exists', values: [] }]
    case '!':
      return [{ key, operator: 'DoesNotExist', values: [] }]
    case 'gt':
    case 'lt':
      return []
  }
}
