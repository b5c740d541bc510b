import type { Call } from '../protocol/call.js'
import { foldKey, hasFoldedTwins } from '../protocol/fold-key.js'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../protocol/json-value.js'
import { type ArgumentShape, withAlternatives } from '../rbac/input-schema.js'
import type { CatalogTool } from '../rbac/tool-catalog.js'
import type { Failure } from './decision.js'
import { failure } from './failure.js'

/**
 * Arguments that the catalogue does not list, and keys that a lenient server could take for one that the catalogue or a
 * policy looks for: `Scale` for `scale` would slip past every policy about `args.scale` (CVE-2026-27896 is such a case).
 * Policies look into objects, so their names are compared at every depth; so are the keys of each object with one
 * another. Of a `json` server, the whole body counts as arguments. Where the catalogue holds the tool's schema, each level
 * is compared with the names that the schema has there.
 *
 * `looked`: the names that policies which can match the call look for; asked for only if there are arguments.
 */
export function checkArguments(
  call: Call,
  tool: CatalogTool | undefined,
  looked: () => readonly ReadonlySet<string>[],
): Failure | undefined {
  const args = call.protocol === 'json' ? call.params : call.arguments
  if (args === undefined || args.size === 0) return undefined
  const nested = looked().filter(names => names.size > 0)
  const top = tool === undefined || tool.knownArguments.size === 0 ? nested : [tool.knownArguments, ...nested]
  const shapes = tool?.inputSchema === undefined ? noShapes : withAlternatives([tool.inputSchema.shape])
  return checkKeys(args, top, shapes) ?? checkListed(args, tool) ?? checkMembers(args, nested, shapes)
}

const noShapes: ReadonlySet<ArgumentShape> = new Set()

/** The depth of a message is bounded by its parser. */
function checkValue(
  value: JsonValue,
  looked: readonly ReadonlySet<string>[],
  shapes: ReadonlySet<ArgumentShape>,
): Failure | undefined {
  if (isJsonObject(value)) return checkKeys(value, looked, shapes) ?? checkMembers(value, looked, shapes)
  if (!isJsonArray(value)) return undefined
  const elements = shapes.size === 0 ? noShapes : below(shapes, undefined)
  for (const element of value) {
    const wrong = checkValue(element, looked, elements)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

function checkMembers(
  object: JsonObject,
  looked: readonly ReadonlySet<string>[],
  shapes: ReadonlySet<ArgumentShape>,
): Failure | undefined {
  for (const key of object.keys()) {
    const value = object.get(key)
    if (typeof value !== 'object' || value === null) continue
    const wrong = checkValue(value, looked, shapes.size === 0 ? noShapes : below(shapes, key))
    if (wrong !== undefined) return wrong
  }
  return undefined
}

/** What applies to a member, or to the elements of a list. */
function below(shapes: ReadonlySet<ArgumentShape>, key: string | undefined): ReadonlySet<ArgumentShape> {
  const found: ArgumentShape[] = []
  for (const { members, others } of shapes) {
    const member = key === undefined ? undefined : members.get(key)
    if (member !== undefined) found.push(member)
    found.push(...others)
  }
  return found.length === 0 ? noShapes : withAlternatives(found)
}

function checkKeys(
  object: JsonObject,
  looked: readonly ReadonlySet<string>[],
  shapes: ReadonlySet<ArgumentShape>,
): Failure | undefined {
  const [names] = looked
  let among = true
  for (const key of object.keys()) {
    if (names?.has(key)) continue
    among = false
    const meant = meantName(key, looked, shapes)
    if (meant === undefined) continue
    return failure('message.argument', `an argument is spelt almost like "${meant}"`, {
      hints: [`Write "${meant}" exactly.`],
    })
  }
  // Where no two names fold to one, keys that are all among them do not either.
  if (among && names !== undefined && !hasTwins(names)) return undefined
  if (!hasFoldedTwins(object)) return undefined
  return failure('message.argument', 'two keys in the arguments differ only in case', { hints: ['Send one of them.'] })
}

/** The known name that a key is not, but could be taken for. */
function meantName(
  key: string,
  looked: readonly ReadonlySet<string>[],
  shapes: ReadonlySet<ArgumentShape>,
): string | undefined {
  for (const names of looked) if (names.has(key)) return undefined
  for (const { members } of shapes) if (members.has(key)) return undefined
  const folded = foldKey(key)
  for (const names of looked) {
    const meant = foldedNames(names).get(folded)
    if (meant !== undefined) return meant
  }
  for (const { members } of shapes) {
    const meant = members.size === 0 ? undefined : foldedNames(members).get(folded)
    if (meant !== undefined) return meant
  }
  return undefined
}

function checkListed(args: JsonObject, tool: CatalogTool | undefined): Failure | undefined {
  if (tool?.arguments === undefined) return undefined
  for (const key of args.keys()) {
    if (tool.knownArguments.has(key)) continue
    const allowed = [...tool.arguments].join(', ')
    return failure('message.argument', `the tool "${tool.name}" has no such argument`, {
      hints: [allowed === '' ? 'It takes no arguments.' : `It takes: ${allowed}.`],
    })
  }
  return undefined
}

/** By set of names, what they fold to. The sets belong to a snapshot or its catalogues, and go with them. */
const foldings = new WeakMap<Names, ReadonlyMap<string, string>>()

type Names = Pick<ReadonlySet<string>, 'keys'> & object

function hasTwins(names: ReadonlySet<string>): boolean {
  return foldedNames(names).size < names.size
}

function foldedNames(names: Names): ReadonlyMap<string, string> {
  const known = foldings.get(names)
  if (known !== undefined) return known
  const folded = new Map([...names.keys()].map(name => [foldKey(name), name]))
  foldings.set(names, folded)
  return folded
}
