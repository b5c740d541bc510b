import type { Call } from '../protocol/call.js'
import { foldKey } from '../protocol/fold-key.js'
import type { CatalogTool } from '../rbac/tool-catalog.js'
import type { Failure } from './decision.js'
import { failure } from './failure.js'

/**
 * Arguments that the catalogue does not list, and keys that a lenient server could take for one that it does: `Scale`
 * for `scale` would slip past every policy that looks at `args.scale` (CVE-2026-27896 is such a case).
 */
export function checkArguments(call: Call, tool: CatalogTool | undefined): Failure | undefined {
  if (tool === undefined || call.arguments === undefined) return undefined
  let folded: ReadonlyMap<string, string> | undefined
  for (const key of call.arguments.keys()) {
    if (tool.knownArguments.has(key)) continue
    folded ??= new Map([...tool.knownArguments].map(name => [foldKey(name), name]))
    const meant = folded.get(foldKey(key))
    if (meant !== undefined) {
      return failure('message.argument', `an argument is spelt almost like "${meant}"`, {
        hints: [`Write "${meant}" exactly.`],
      })
    }
    if (tool.arguments !== undefined) {
      const allowed = [...tool.arguments].join(', ')
      return failure('message.argument', `the tool "${tool.name}" has no such argument`, {
        hints: [allowed === '' ? 'It takes no arguments.' : `It takes: ${allowed}.`],
      })
    }
  }
  return undefined
}
