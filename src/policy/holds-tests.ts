import { readDocuments } from '../documents/read-documents.js'

/**
 * Whether a file, or a key of a ConfigMap, holds tests of policies (`PolicyTest`), which count for nothing in service, broken
 * ones neither: its name ends in `_test.yaml` or `_test.yml`, and it holds nothing else. Whatever else stands in a file of
 * such a name must not go unseen.
 */
export function holdsTests(name: string, text: string): boolean {
  if (!/_test\.ya?ml$/.test(name)) return false
  const { documents, findings } = readDocuments(name, text)
  if (!documents.every(({ kind }) => kind === 'PolicyTest')) return false
  if (findings.length === 0) return documents.length > 0
  const kinds = text.match(/^kind:.*$/gm) ?? []
  return kinds.length > 0 && kinds.every(kind => /^kind: *PolicyTest *(?:#.*)?$/.test(kind))
}
