import type { Principal } from '../identity/principal.js'
import { isJsonObject, type JsonObject } from '../protocol/json-value.js'
import { parseStrictJson } from '../protocol/strict-json.js'
import { assumedPrincipal } from '../workbench/assumed-principal.js'
import { UsageError } from './command.js'

/** The flags that say who asks; nothing of it is verified. */
export const callerFlags = {
  as: { type: 'string' },
  'as-group': { type: 'string', multiple: true },
  agent: { type: 'string' },
  scope: { type: 'string', multiple: true },
  tenant: { type: 'string' },
  claims: { type: 'string' },
  workload: { type: 'string' },
} as const

export const callerHelp = `  --as USER             the name of the caller, as it would be after verification; nothing is verified
  --as-group GROUP      a group of the caller; may be repeated (system:authenticated is always there)
  --agent ALIAS:ID      the software that acts for the caller, with the alias of the issuer that vouches for it
  --scope SCOPE         a scope of the token; may be repeated
  --tenant TENANT       --claims JSON (an object)          --workload SPIFFE-ID`

export interface CallerFlagValues {
  readonly as?: string | undefined
  readonly 'as-group'?: readonly string[] | undefined
  readonly agent?: string | undefined
  readonly scope?: readonly string[] | undefined
  readonly tenant?: string | undefined
  readonly claims?: string | undefined
  readonly workload?: string | undefined
}

export function callerOf(values: CallerFlagValues): Principal {
  if (values.as === undefined || values.as === '') throw new UsageError('say who asks with --as USER')
  const { agent, tenant, claims, workload } = values
  const colon = (agent ?? '').indexOf(':')
  if (agent !== undefined && (colon <= 0 || colon === agent.length - 1)) throw new UsageError('--agent is ALIAS:ID')
  return assumedPrincipal({
    user: values.as,
    groups: values['as-group'] ?? [],
    scopes: values.scope ?? [],
    ...(agent !== undefined && { agent: { issuer: agent.slice(0, colon), id: agent.slice(colon + 1) } }),
    ...(tenant !== undefined && { tenant }),
    ...(claims !== undefined && { claims: jsonObject('--claims', claims) }),
    ...(workload !== undefined && { workload }),
  })
}

/** @param flag what the text came with, for the complaint */
export function jsonObject(flag: string, text: string | Uint8Array): JsonObject {
  const parsed = parseStrictJson(typeof text === 'string' ? Buffer.from(text) : text)
  if (!parsed.ok) throw new UsageError(`${flag} is not JSON: ${parsed.message}`)
  if (!isJsonObject(parsed.value)) throw new UsageError(`${flag} is not a JSON object`)
  return parsed.value
}
