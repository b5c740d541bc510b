import { type Type, types } from './type.js'

/** One way to call a function: for a method, the target is the first of `params`. */
export interface OverloadDecl {
  readonly id: string
  readonly name: string
  readonly member: boolean
  readonly params: readonly Type[]
  readonly result: Type
  /** Names of the type parameters, in the order of their first use. */
  readonly typeParams: readonly string[]
}

const simple: ReadonlyMap<string, Type> = new Map<string, Type>([
  ['null_type', types.null],
  ['bool', types.bool],
  ['int', types.int],
  ['uint', types.uint],
  ['double', types.double],
  ['string', types.string],
  ['bytes', types.bytes],
  ['dyn', types.dyn],
  ['google.protobuf.Timestamp', types.timestamp],
  ['google.protobuf.Duration', types.duration],
  ['type', { kind: 'type', of: types.dyn }],
])

const wrapped = ['bool', 'int', 'uint', 'double', 'string', 'bytes'] as const
const typeParam = /^<([A-Za-z_][A-Za-z0-9_]*)>$/
const opaqueName = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/

/**
 * Reads a declaration in the notation of cel-go: `string.charAt(int) -> string` is a method, `ip.isCanonical(string) -> bool`
 * a function in a namespace. What stands before the last dot is a target if it is a type: a built-in one, one with
 * parameters, or a name whose last part begins with a capital (`net.IP.family() -> int`).
 * Throws at set-up if the text is not a signature.
 */
export function parseSignature(id: string, signature: string): OverloadDecl {
  const wrong = (why: string) => new Error(`the signature of ${id} is wrong: ${why}, in: ${signature}`)
  const arrow = signature.lastIndexOf(' -> ')
  if (arrow < 0) throw wrong('there is no result type (write "-> type" at the end)')
  const call = signature.slice(0, arrow)
  const open = openingOf(call)
  if (open < 1) throw wrong('there is no list of parameters')
  const read = (text: string): Type => {
    const type = parseType(text)
    if (type === undefined) throw wrong(`"${text}" is not a type`)
    return type
  }
  const head = call.slice(0, open)
  const dot = topLevelDot(head)
  const target = dot > 0 && isTarget(head.slice(0, dot)) ? read(head.slice(0, dot)) : undefined
  const name = target === undefined ? head : head.slice(dot + 1)
  if (name === '' || /[\s()<>,]/.test(name.replace(/^_(<|>|<=|>=)_$/, ''))) throw wrong('the name is missing')
  const args = split(call.slice(open + 1, -1)).map(read)
  const params = target === undefined ? args : [target, ...args]
  const result = read(signature.slice(arrow + 4))
  const typeParams = new Set<string>()
  for (const type of [...params, result]) collectParams(type, typeParams)
  return { id, name, member: target !== undefined, params, result, typeParams: [...typeParams] }
}

/** Reads one type (`map(string, list(<T>))`); undefined if the text is none. Any other dotted name is an opaque type. */
export function parseType(text: string): Type | undefined {
  const known = simple.get(text)
  if (known !== undefined) return known
  const param = typeParam.exec(text)?.[1]
  if (param !== undefined) return { kind: 'param', name: param }
  const open = text.indexOf('(')
  if (open < 0) return opaqueName.test(text) ? types.opaque(text) : undefined
  if (!text.endsWith(')') || openingOf(text) !== open) return undefined
  return parametric(text.slice(0, open), split(text.slice(open + 1, -1)))
}

function parametric(name: string, texts: readonly string[]): Type | undefined {
  const [first, second] = texts.map(parseType)
  if (first === undefined || texts.length !== (name === 'map' ? 2 : 1)) return undefined
  switch (name) {
    case 'list':
      return types.list(first)
    case 'map':
      return second && types.map(first, second)
    case 'optional_type':
      return types.optional(first)
    case 'type':
      return { kind: 'type', of: first }
    case 'wrapper': {
      const of = wrapped.find(kind => kind === first.kind)
      return of && { kind: 'wrapper', of }
    }
    default:
      return undefined
  }
}

function isTarget(text: string): boolean {
  if (simple.has(text) || text.endsWith(')')) return true
  return opaqueName.test(text) && /^[A-Z]/.test(text.slice(text.lastIndexOf('.') + 1))
}

/** Where the parenthesis opens that the last character closes; -1 if there is none. */
function openingOf(text: string): number {
  let depth = 0
  for (let i = text.length - 1; i >= 0; i--) {
    if (text[i] === ')') depth++
    else if (text[i] === '(') depth--
    if (depth === 0) return text[i] === '(' ? i : -1
  }
  return -1
}

function topLevelDot(head: string): number {
  const dot = head.lastIndexOf('.')
  return dot > head.lastIndexOf(')') ? dot : -1
}

function split(text: string): string[] {
  if (text === '') return []
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++
    else if (text[i] === ')') depth--
    else if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(start, i).trim())
      start = i + 1
    }
  }
  return [...parts, text.slice(start).trim()]
}

function collectParams(type: Type, into: Set<string>): void {
  switch (type.kind) {
    case 'param':
      into.add(type.name)
      return
    case 'list':
      collectParams(type.element, into)
      return
    case 'map':
      collectParams(type.key, into)
      collectParams(type.value, into)
      return
    case 'optional':
      collectParams(type.value, into)
      return
    case 'type':
      collectParams(type.of, into)
      return
    default:
      return
  }
}
