import { createHash } from 'node:crypto'
import { isJsonObject, type JsonObject } from '../protocol/json-value.js'
import type { Actor } from './principal.js'

/** Longest delegation chain. */
export const maxActors = 8

/**
 * The actors of a token (`act`, RFC 8693, section 4.1), the nearest first: the outermost claim is the party that acts
 * now. undefined when the claim is malformed or the chain too long.
 */
export function actorChain(claims: JsonObject, tokenIssuer: string): readonly Actor[] | undefined {
  const actors: Actor[] = []
  let holder: JsonObject = claims
  while (holder.has('act')) {
    const act = holder.get('act')
    if (!isJsonObject(act) || actors.length === maxActors) return undefined
    const [subject, issuer = tokenIssuer] = [act.get('sub'), act.get('iss')]
    if (typeof subject !== 'string' || subject === '' || typeof issuer !== 'string') return undefined
    actors.push({ subject, issuer })
    holder = act
  }
  return actors
}

/**
 * A name for a chain: SHA-256 (base64url) over issuer, subject and actors. They go in as a JSON list, so that no two
 * different chains look alike. "" without actors.
 */
export function chainId(issuer: string, subject: string, actors: readonly Actor[]): string {
  if (actors.length === 0) return ''
  const chain = [issuer, subject, actors.map(actor => [actor.issuer, actor.subject])]
  return createHash('sha256').update(JSON.stringify(chain)).digest('base64url')
}
