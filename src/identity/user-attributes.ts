import type { CelOutput, CelProgram, CostBudget } from '../cel/environment.js'
import { isJsonArray, isJsonObject, type JsonObject } from '../protocol/json-value.js'
import { isExplicit, isExplicitPrefix, isReserved } from './explicit-names.js'
import { kubernetesClaimsActivation } from './expressions.js'
import type { ClaimSource, IssuerConfiguration } from './issuer-configuration.js'

export type Attribute<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string }

/** Names and those of them that a token may not have, because it is not the configuration that says them. */
export interface Names {
  readonly names: readonly string[]
  readonly reserved: readonly string[]
}

/** The claims of a token, and what all expressions over them may cost together. */
export interface Claims {
  readonly claims: JsonObject
  readonly budget: CostBudget
}

function failed(message: string): { readonly ok: false; readonly message: string } {
  return { ok: false, message }
}

/** One name: a username is never empty. */
export function readUsername(from: Claims, source: ClaimSource): Attribute<Names> {
  const value = readString(from, source, 'username')
  if (!value.ok) return value
  const { claims } = from
  if (
    source.kind === 'claim' &&
    source.claim === 'email' &&
    claims.has('email_verified') &&
    claims.get('email_verified') !== true
  )
    return failed('The e-mail address of this token is not verified.')
  if (value.value === '') return failed('The user name of this token is empty.')
  return { ok: true, value: withReserved([value.value], from, source) }
}

export function readUid(from: Claims, source: ClaimSource | undefined): Attribute<string> {
  return source === undefined ? { ok: true, value: '' } : readString(from, source, 'uid')
}

function readString(from: Claims, source: ClaimSource, what: 'username' | 'uid'): Attribute<string> {
  if (source.kind === 'claim') {
    const value = from.claims.get(source.claim)
    if (typeof value === 'string') return { ok: true, value: source.prefix + value }
    return failed(`The token has no text claim "${source.claim}", from which the ${what} is taken.`)
  }
  const evaluated = evaluate(from, source.program)
  if (typeof evaluated === 'string') return { ok: true, value: evaluated }
  return failed(`The ${what} cannot be derived from the claims of this token.`)
}

export function readGroups(from: Claims, source: ClaimSource | undefined): Attribute<Names> {
  if (source === undefined) return { ok: true, value: { names: [], reserved: [] } }
  const groups = source.kind === 'claim' ? groupsOf(from.claims, source) : readStrings(from, source.program, 'groups')
  return groups.ok ? { ok: true, value: withReserved(groups.value, from, source) } : groups
}

function groupsOf(
  claims: JsonObject,
  { claim, prefix }: { readonly claim: string; readonly prefix: string },
): Attribute<readonly string[]> {
  const value = claims.get(claim)
  if (value === undefined && isDistributed(claims, claim))
    return failed(
      `The claim "${claim}" is a distributed claim, which is not supported; let the issuer put it into the token.`,
    )
  if (value === undefined || value === null) return { ok: true, value: [] }
  const list = typeof value === 'string' ? [value] : isJsonArray(value) ? value : undefined
  if (list === undefined || !list.every(item => typeof item === 'string'))
    return failed(`The claim "${claim}", from which groups are taken, is neither text nor a list of texts.`)
  return { ok: true, value: list.map(group => prefix + group) }
}

/** OpenID Connect Core 1.0, section 5.6.2: the claim is somewhere else, and fetching it would be I/O on a request. */
function isDistributed(claims: JsonObject, claim: string): boolean {
  const names = claims.get('_claim_names')
  return isJsonObject(names) && names.has(claim)
}

/** Of a token's own; the API server derives it likewise (`jti`). */
const credentialId = 'authentication.kubernetes.io/credential-id'

export function readExtra(
  from: Claims,
  entries: IssuerConfiguration['extra'],
): Attribute<ReadonlyMap<string, readonly string[]>> {
  const extra = new Map<string, readonly string[]>()
  for (const { key, program } of entries) {
    const values = readStrings(from, program, `extra "${key}"`)
    if (!values.ok) return values
    if (values.value.length > 0) extra.set(key, values.value)
  }
  const id = from.claims.get('jti')
  if (typeof id === 'string' && id !== '') extra.set(credentialId, [`JTI=${id}`])
  return { ok: true, value: extra }
}

/** Text or a list of texts; null, "" and [] count as absent, empty texts are dropped, as in the API server. */
function readStrings(from: Claims, program: CelProgram, what: string): Attribute<readonly string[]> {
  const list = asTexts(evaluate(from, program))
  return list === undefined
    ? failed(`The ${what} cannot be derived from the claims of this token.`)
    : { ok: true, value: list.filter(text => text !== '') }
}

/** undefined for an error. */
export function evaluate({ claims, budget }: Claims, program: CelProgram): CelOutput | undefined {
  const evaluated = program.evaluate(kubernetesClaimsActivation(claims, program), budget)
  return evaluated.ok ? evaluated.value : undefined
}

function asTexts(value: CelOutput | undefined): readonly string[] | undefined {
  if (value === null) return []
  if (typeof value === 'string') return [value]
  return isList(value) && value.every(item => typeof item === 'string') ? value : undefined
}

function isList(value: CelOutput | undefined): value is readonly CelOutput[] {
  return Array.isArray(value)
}

function withReserved(names: readonly string[], from: Claims, source: ClaimSource): Names {
  if (!names.some(isReserved)) return { names, reserved: [] }
  if (source.kind === 'claim')
    return { names, reserved: isExplicitPrefix(source.prefix) ? [] : names.filter(isReserved) }
  const marked = source.marked && asTexts(evaluate(from, source.marked))?.filter(text => text !== '')
  const same = marked?.length === names.length
  return {
    names,
    reserved: names.filter((name, index) => isReserved(name) && !(same && isExplicit(name, marked[index]))),
  }
}
