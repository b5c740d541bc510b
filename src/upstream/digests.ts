import { hash } from 'node:crypto'
import { canonicalJson } from '../protocol/canonical-json.js'
import type { JsonObject } from '../protocol/json-value.js'

/**
 * `sha256:` and the hex digest of the RFC 8785 form of the arguments; absent arguments are `{}`. Whole numbers beyond 2^53
 * count as the IEEE doubles that the RFC takes them for, so that two of them may have one digest: what tells those apart
 * is the digest of the body.
 */
export function argumentsDigest(args: JsonObject | undefined): string {
  return `sha256:${hash('sha256', args === undefined ? '{}' : canonicalJson(args), 'hex')}`
}

/** `sha256:` and the hex digest of the bytes of the HTTP body. */
export function bodyDigest(bytes: Uint8Array): string {
  return `sha256:${bodySha256(bytes, 'again')}`
}

/** Bodies whose digest was asked for more than once, or will be. */
const digests = new WeakMap<Uint8Array, string>()

/**
 * The hex digest of the bytes of an HTTP body, which nobody changes.
 * @param asked again: several tell of this body (a token and the record, the records of a batch), so that it is remembered
 */
export function bodySha256(bytes: Uint8Array, asked: 'once' | 'again'): string {
  const known = digests.get(bytes)
  if (known !== undefined) return known
  const digest = hash('sha256', bytes, 'hex')
  if (asked === 'again') digests.set(bytes, digest)
  return digest
}
