import { isMap, isScalar, parseDocument } from 'yaml'
import type { SortedTools } from './sort-tools.js'
import type { StartInput } from './start-input.js'

const readOnly = ' Taken at its word that it only reads. Is that so?'

/**
 * The drafted catalogue, in which those tools that people are to have are not refused any more. The others stay refused,
 * so that a Grant that is too wide gives nothing that nobody has looked at.
 */
export function catalogFile({ catalog, source }: StartInput, { given }: SortedTools): string {
  const document = parseDocument(catalog)
  const [problem] = document.errors
  if (problem !== undefined) throw new Error(`the drafted catalogue is no YAML: ${problem.message}`)
  document.commentBefore = [
    `What each tool of ${source} does. What the server says stands in comments; none of it is verified.`,
    'Entries are pinned by a digest: "mcp-authz catalog diff" tells when the server no longer is what was reviewed.',
    'To allow a refused one: review it, set its access, say what it does in Kubernetes (operations: none, if nothing),',
    'take its "refuse" out, and name it in grants.yaml.',
  ]
    .map(line => ` ${line}`)
    .join('\n')
  const tools = document.getIn(['spec', 'tools'])
  const names = new Set(given.map(({ name }) => name))
  for (const { key, value } of isMap(tools) ? tools.items : []) {
    if (!isScalar(key) || !isMap(value) || !names.has(String(key.value))) continue
    value.set('access', 'read')
    for (const field of ['refuse', 'images', 'replicas']) value.delete(field)
    if (!value.has('operations')) value.set('operations', 'none')
    const said = (key.commentBefore ?? '').split('\n').filter(line => line.startsWith(' "'))
    key.commentBefore = [...said, readOnly].join('\n')
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: true })
}
