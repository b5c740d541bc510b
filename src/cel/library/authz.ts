import { Authorizer, type CheckedResource, Decision, GroupCheck, PathCheck, ResourceCheck } from './authz-values.js'
import { type Guard, isText, noSuchOverload, outOfBudget } from './implement.js'
import type { FunctionOverload, Implementation, Library } from './library.js'
import { isOf, type Price, priced1, priced2, priced3, traversal } from './priced.js'

const isAuthorizer = isOf(Authorizer)
const isPathCheck = isOf(PathCheck)
const isGroupCheck = isOf(GroupCheck)
const isResourceCheck = isOf(ResourceCheck)
const isDecision = isOf(Decision)

const resourceCheck = 'kubernetes.authorization.ResourceCheck'

/** A method that says one thing more about the resource. */
function refine(
  id: string,
  name: 'subresource' | 'namespace' | 'name' | 'fieldSelector' | 'labelSelector',
  price?: Price<[ResourceCheck, string]>,
): FunctionOverload {
  const change = (text: string): Partial<CheckedResource> => ({ [name]: text })
  return {
    id,
    signature: `${resourceCheck}.${name}(string) -> ${resourceCheck}`,
    call: priced2(isResourceCheck, isText, (check, text) => check.with(change(text)), price),
  }
}

/** The call that may have to wait for its answer; the evaluator takes one unit of the price. */
function checking<C extends PathCheck | ResourceCheck>(isCheck: Guard<C>, price: number): Implementation {
  return ([check, verb], context) => {
    if (!isCheck(check) || !isText(verb)) return noSuchOverload
    return context.charge(price - 1) ? check.check(verb, context) : outOfBudget
  }
}

/** Kubernetes' price of a check: of a million units, two and no more can be paid (apiserver pkg/cel/library/cost.go). */
export const kubernetesCheckPrice = 350_000

/** `kubernetes.authz` with checks at another price. */
export const authzAt = (checkPrice: number): Library => ({
  name: 'kubernetes.authz',
  types: [
    'kubernetes.authorization.Authorizer',
    'kubernetes.authorization.PathCheck',
    'kubernetes.authorization.GroupCheck',
    resourceCheck,
    'kubernetes.authorization.Decision',
  ],
  functions: [
    {
      id: 'authorizer_path',
      signature: 'kubernetes.authorization.Authorizer.path(string) -> kubernetes.authorization.PathCheck',
      call: priced2(
        isAuthorizer,
        isText,
        (authorizer, path) => authorizer.path(path),
        (_, path) => traversal(path),
      ),
    },
    {
      id: 'authorizer_group',
      signature: 'kubernetes.authorization.Authorizer.group(string) -> kubernetes.authorization.GroupCheck',
      call: priced2(isAuthorizer, isText, (authorizer, group) => authorizer.group(group)),
    },
    {
      id: 'authorizer_serviceaccount',
      signature:
        'kubernetes.authorization.Authorizer.serviceAccount(string, string) -> kubernetes.authorization.Authorizer',
      call: priced3(
        isAuthorizer,
        isText,
        isText,
        (authorizer, namespace, name) => authorizer.serviceAccount(namespace, name),
        (_, namespace, name) => Math.max(1, Math.floor((namespace.length + name.length) / 10)),
      ),
    },
    {
      id: 'groupcheck_resource',
      signature: `kubernetes.authorization.GroupCheck.resource(string) -> ${resourceCheck}`,
      call: priced2(
        isGroupCheck,
        isText,
        (group, resource) => group.resource(resource),
        (_, text) => traversal(text),
      ),
    },
    refine('resourcecheck_subresource', 'subresource'),
    refine('resourcecheck_namespace', 'namespace'),
    refine('resourcecheck_name', 'name'),
    {
      id: 'pathcheck_check',
      signature: 'kubernetes.authorization.PathCheck.check(string) -> kubernetes.authorization.Decision',
      call: checking(isPathCheck, checkPrice),
    },
    {
      id: 'resourcecheck_check',
      signature: `${resourceCheck}.check(string) -> kubernetes.authorization.Decision`,
      call: checking(isResourceCheck, checkPrice),
    },
    {
      id: 'decision_allowed',
      signature: 'kubernetes.authorization.Decision.allowed() -> bool',
      call: priced1(isDecision, ({ answer }) => answer.allowed),
    },
    {
      id: 'decision_reason',
      signature: 'kubernetes.authorization.Decision.reason() -> string',
      call: priced1(isDecision, ({ answer }) => answer.reason),
    },
    {
      id: 'decision_errored',
      signature: 'kubernetes.authorization.Decision.errored() -> bool',
      call: priced1(isDecision, ({ answer }) => answer.error !== undefined),
    },
    {
      id: 'decision_error',
      signature: 'kubernetes.authorization.Decision.error() -> string',
      call: priced1(isDecision, ({ answer }) => answer.error ?? ''),
    },
  ],
})

/** `kubernetes.authz` (Kubernetes 1.27): asks whether a user may do something. The variable `authorizer` brings the host. */
export const authzLibrary: Library = authzAt(kubernetesCheckPrice)

/** A list, and for each two characters a requirement with a list: `apiserver selectorCostEstimate`. */
const selectorPrice = (_: ResourceCheck, selector: string): number =>
  10 + Math.ceil(selector.length / 10) + Math.ceil(selector.length / 2) * 50

/** `kubernetes.authzSelectors` (Kubernetes 1.31). A selector that does not parse is as if it were not there. */
export const authzSelectorsLibrary: Library = {
  name: 'kubernetes.authzSelectors',
  types: [resourceCheck],
  functions: [
    refine('authorizer_fieldselector', 'fieldSelector', selectorPrice),
    refine('authorizer_labelselector', 'labelSelector', selectorPrice),
  ],
}
