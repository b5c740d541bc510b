import { checkLabels, labelKeyHint } from './check-labels.js'
import { isLabelKey, isNamespaceName, isRbacName } from './kubernetes-names.js'
import type { Report } from './rbac-report.js'
import type { MetadataSpec } from './rbac-schema.js'

const standardFinalizers: ReadonlySet<string> = new Set(['kubernetes', 'orphan', 'foregroundDeletion'])
const finalizerHint = 'a domain in lower case, "/" and a name'
const mostAnnotationBytes = 256 * 1024
const nameHint = 'a name is one segment of a path: no "/", no "%", not "." or ".."'

/** The API server's validation of metadata (apimachinery, ValidateObjectMeta), without what only it can write. */
export function checkMetadata(metadata: MetadataSpec, namespaced: boolean, report: Report): void {
  const { name, generateName, namespace, generation, labels, annotations, finalizers } = metadata ?? {}
  const path = (...more: (string | number)[]) => ['metadata', ...more]
  if (isNone(name)) report('error', path('name'), 'is required: a name')
  else if (!isRbacName(name)) report('error', path('name'), 'not a name', nameHint)
  if (!isNone(generateName) && !isRbacName(generateName))
    report('error', path('generateName'), 'not the beginning of a name', nameHint)
  if (!namespaced) {
    if (!isNone(namespace)) report('error', path('namespace'), 'a cluster-scoped object has no namespace')
  } else if (isNone(namespace)) report('error', path('namespace'), 'is required: a namespace')
  else if (!isNamespaceName(namespace))
    report('error', path('namespace'), 'not a namespace', 'lower-case letters, digits and "-", at most 63')
  if ((generation ?? 0) < 0) report('error', path('generation'), 'must not be negative')

  checkLabels(labels, path('labels'), report)
  let size = 0
  for (const [key, value] of Object.entries(annotations ?? {})) {
    size += Buffer.byteLength(key) + Buffer.byteLength(value ?? '')
    if (!isLabelKey(key.toLowerCase()))
      report('error', path('annotations', key), 'not the key of an annotation', labelKeyHint)
  }
  if (size > mostAnnotationBytes) report('error', path('annotations'), `more than ${mostAnnotationBytes} bytes in all`)

  checkFinalizers(finalizers ?? [], report)
  checkOwners(metadata, report)
}

function checkFinalizers(finalizers: readonly (string | null)[], report: Report): void {
  for (const [index, finalizer] of finalizers.entries())
    if (!isFinalizer(finalizer ?? ''))
      report('error', ['metadata', 'finalizers', index], 'not a finalizer', finalizerHint)
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion'))
    report('error', ['metadata', 'finalizers'], 'orphan and foregroundDeletion exclude each other')
}

/** Those without a domain are Kubernetes' own (pkg/apis/core/helper, IsStandardFinalizerName). */
function isFinalizer(text: string): boolean {
  return text.includes('/') ? isLabelKey(text) : standardFinalizers.has(text)
}

function checkOwners(metadata: MetadataSpec, report: Report): void {
  const owners = metadata?.ownerReferences ?? []
  for (const [index, owner] of owners.entries()) {
    const path = ['metadata', 'ownerReferences', index]
    const { apiVersion, kind, name, uid } = owner ?? {}
    if (isNone(apiVersion) || apiVersion.endsWith('/')) report('error', [...path, 'apiVersion'], 'is required')
    if (isNone(kind)) report('error', [...path, 'kind'], 'is required')
    if (isNone(name)) report('error', [...path, 'name'], 'is required')
    if (isNone(uid)) report('error', [...path, 'uid'], 'is required')
    if (apiVersion === 'v1' && kind === 'Event') report('error', path, 'an Event cannot own anything')
  }
  if (owners.filter(owner => owner?.controller === true).length > 1)
    report('error', ['metadata', 'ownerReferences'], 'only one owner can be the controller')
}

function isNone(text: string | null | undefined): text is '' | null | undefined {
  return text === undefined || text === null || text === ''
}
