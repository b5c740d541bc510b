import { readDocuments } from './read-documents.js'
import { digestOf } from './read-prepared.js'
import { splitDocuments } from './split-documents.js'

/**
 * The PreparedFile of a text, as an expression of JavaScript; for the build. Throws where there is anything to find in the
 * text: what comes with the program is sound.
 */
export function prepareFile(file: string, text: string): string {
  const { documents, findings } = readDocuments(file, text)
  const [first] = findings
  if (first !== undefined) throw new Error(`${file}:${first.location.line}: ${first.message}`)
  const stretches = splitDocuments(text)
  let at = 0
  const prepared = documents.map(({ index, value, text: own }) => {
    while (stretches[at] !== undefined && stretches[at]?.text !== own) at++
    const start = stretches[at++]?.offset
    if (start === undefined) throw new Error(`${file}: where document ${index} begins is not known`)
    return `{index:${index},start:${start},end:${start + own.length},value:()=>(${literal(value)})}`
  })
  return `{digest:${literal(digestOf(text))},length:${text.length},documents:[${prepared.join(',')}]}`
}

/** Objects without a prototype, like those that are read. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(',')}]`
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : JSON.stringify(value)
  const fields = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${literal(inner)}`)
  return `{${['__proto__:null', ...fields].join(',')}}`
}
