import { authzExamples } from '../../src/cel/library/examples/authz.js'
import { encodersExamples } from '../../src/cel/library/examples/encoders.js'
import { formatExamples } from '../../src/cel/library/examples/format.js'
import type { FunctionExample } from '../../src/cel/library/examples/function-example.js'
import { jsonPatchExamples } from '../../src/cel/library/examples/jsonpatch.js'
import { listsExamples } from '../../src/cel/library/examples/lists.js'
import { mathExamples } from '../../src/cel/library/examples/math.js'
import { networkExamples } from '../../src/cel/library/examples/network.js'
import { optionalsExamples } from '../../src/cel/library/examples/optionals.js'
import { quantityExamples } from '../../src/cel/library/examples/quantity.js'
import { regexExamples } from '../../src/cel/library/examples/regex.js'
import { semverExamples } from '../../src/cel/library/examples/semver.js'
import { conversionsExamples, textsExamples, timesExamples } from '../../src/cel/library/examples/standard.js'
import { stringsExamples } from '../../src/cel/library/examples/strings.js'
import { urlExamples } from '../../src/cel/library/examples/url.js'
import { librarySets } from '../../src/cel/library-sets.js'
import { parseSignature } from '../../src/cel/types/parse-signature.js'
import { type Type, typeName } from '../../src/cel/types/type.js'

/** The tables of docs/cel.md by the name in their marker. */
export const tables: ReadonlyMap<string, readonly FunctionExample[]> = new Map([
  ['texts', [...textsExamples, ...stringsExamples, ...regexExamples]],
  ['conversions', conversionsExamples],
  ['times', timesExamples],
  ['lists', listsExamples],
  ['optionals', optionalsExamples],
  ['numbers', mathExamples],
  ['quantities', quantityExamples],
  ['addresses', networkExamples],
  ['urls', urlExamples],
  ['versions', semverExamples],
  ['formats', formatExamples],
  ['encodings', [...encodersExamples, ...jsonPatchExamples]],
  ['authorizer', authzExamples],
])

interface Overload {
  readonly id: string
  readonly signature: string
}

/** Of the set, without what only macros call, and without times of day that have no zone, which do not compile. */
export const offered: readonly Overload[] = librarySets['mcp-authz/v1']
  .flatMap(library => library.functions)
  .filter(({ signature }) => !signature.includes('@') && !/^google\.protobuf\.Timestamp\.get\w+\(\)/.test(signature))

const offeredSignatures = new Set(offered.map(({ signature }) => signature))
const documented = new Set([...tables.values()].flat().map(({ signature }) => signature))

/** The rows of a table that are about functions of the set. */
export function rowsOf(name: string): readonly FunctionExample[] {
  return (tables.get(name) ?? []).filter(({ signature }) => offeredSignatures.has(signature))
}

/** The overloads that each row stands for: its own, and those without a row that look most like it. */
export function overloadsByRow(): ReadonlyMap<string, readonly string[]> {
  const byRow = new Map([...documented].filter(row => offeredSignatures.has(row)).map(row => [row, [row]]))
  for (const { signature } of offered) {
    if (documented.has(signature)) continue
    const { name, member, params } = parseSignature('', signature)
    const rows = [...byRow.keys()].filter(row => {
      const other = parseSignature('', row)
      return other.name === name && other.member === member
    })
    const sameLength = rows.filter(row => parseSignature('', row).params.length === params.length)
    const [row] = [...sameLength, ...rows]
    if (row !== undefined) byRow.get(row)?.push(signature)
  }
  return byRow
}

/** The table below a marker, as it must stand in the document. */
export function tableOf(name: string): string {
  const byRow = overloadsByRow()
  const rows = rowsOf(name).map(({ signature, says, example, result }) => {
    const written = fold(byRow.get(signature) ?? [signature])
      .map(text => code(text))
      .join('<br>')
    return `| ${written} | ${says} | ${code(example)} | ${result === 'error' ? 'an error' : code(result)} |`
  })
  return ['| function | | example | gives |', '|---|---|---|---|', ...rows].join('\n')
}

function code(text: string): string {
  const fence = text.includes('`') ? '``' : '`'
  return `${fence}${text.replaceAll('|', '\\|')}${fence}`
}

/** Signatures that differ in one type only are one line: `list(T).min() -> T, T: int, uint`. */
function fold(signatures: readonly string[]): readonly string[] {
  const families = new Map<string, string[]>()
  for (const signature of signatures) {
    const { params } = parseSignature('', signature)
    const [first] = params
    const type = first === undefined ? undefined : innermost(first)
    const pattern = type === undefined ? signature : replaceType(signature, type)
    families.set(pattern, [...(families.get(pattern) ?? []), signature])
  }
  return [...families].flatMap(([pattern, members]) => {
    const [only] = members
    if (members.length === 1 && only !== undefined) return [shown(only)]
    const inner = members.map(signature => {
      const [first] = parseSignature('', signature).params
      return first === undefined ? '' : shortType(innermost(first))
    })
    return [`${shown(pattern)}, T: ${inner.join(', ')}`]
  })
}

/** What changes in a family: the elements of a list, or the type itself. */
function innermost(type: Type): string {
  return type.kind === 'list' ? innermost(type.element) : typeName(type)
}

function replaceType(signature: string, type: string): string {
  return signature
    .split(/([\w.]+\w|[<>]|\w)/)
    .map(part => (part === type ? 'T' : part.startsWith(`${type}.`) ? `T${part.slice(type.length)}` : part))
    .join('')
}

const shortNames: readonly (readonly [RegExp, string])[] = [
  [/google\.protobuf\.Timestamp/g, 'timestamp'],
  [/google\.protobuf\.Duration/g, 'duration'],
  [/kubernetes\.authorization\./g, ''],
  [/kubernetes\./g, ''],
  [/net\./g, ''],
  [/optional_type/g, 'optional'],
  [/<(\w)>/g, '$1'],
]

function shortType(type: string): string {
  return shortNames.reduce((text, [long, short]) => text.replaceAll(long, short), type)
}

function shown(signature: string): string {
  return shortType(signature).replace(' -> ', ' → ')
}
