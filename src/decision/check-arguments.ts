import type { Call } from '../protocol/call.js'
import { foldKey } from '../protocol/fold-key.js'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../protocol/json-value.js'
import type { CatalogTool } from '../rbac/tool-catalog.js'
import type { Failure } from './decision.js'
import { failure } from './failure.js'

/**
 * Arguments that the catalogue does not list, and keys that a lenient server could take for one that the catalogue or a
 * policy looks for: `Scale` for `scale` would slip past every policy about `args.scale` (CVE-2026-27896 is such a case).
 * Policies look into objects, so their names are compared at every depth; so are the keys of each object with one
 * another. Of a `json` server, the whole body counts as arguments.
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
  return checkKeys(args, top) ?? checkListed(args, tool) ?? checkMembers(args, nested)
}

/** The depth of a message is bounded by its parser. */
function checkValue(value: JsonValue, looked: readonly ReadonlySet<string>[]): Failure | undefined {
  if (isJsonObject(value)) return checkKeys(value, looked) ?? checkMembers(value, looked)
  return isJsonArray(value) ? checkMembers(value, looked) : undefined
}

function checkMembers(
  holder: JsonObject | readonly JsonValue[],
  looked: readonly ReadonlySet<string>[],
): Failure | undefined {
  for (const value of holder.values()) {
    const wrong = checkValue(value, looked)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

function checkKeys(object: JsonObject, looked: readonly ReadonlySet<string>[]): Failure | undefined {
  let differing = false
  for (const key of object.keys()) {
    const folded = foldKey(key)
    if (folded !== key) differing = true
    if (looked.length === 0 || looked.some(names => names.has(key))) continue
    for (const names of looked) {
      const meant = foldedNames(names).get(folded)
      if (meant === undefined) continue
      return failure('message.argument', `an argument is spelt almost like "${meant}"`, {
        hints: [`Write "${meant}" exactly.`],
      })
    }
  }
  // Keys that are all what they fold to cannot fold to the same.
  if (!differing || object.size === 1 || new Set([...object.keys()].map(foldKey)).size === object.size) return undefined
  return failure('message.argument', 'two keys in the arguments differ only in case', { hints: ['Send one of them.'] })
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
const foldings = new WeakMap<ReadonlySet<string>, ReadonlyMap<string, string>>()

function foldedNames(names: ReadonlySet<string>): ReadonlyMap<string, string> {
  const known = foldings.get(names)
  if (known !== undefined) return known
  const folded = new Map([...names].map(name => [foldKey(name), name]))
  foldings.set(names, folded)
  return folded
}
