import { readFile, stat } from 'node:fs/promises'
import type { JsonObject } from '../protocol/json-value.js'
import { isJsonObject } from '../protocol/json-value.js'
import { parseStrictJson } from '../protocol/strict-json.js'
import type { Fetcher } from './fetch-bytes.js'
import type { KeySource } from './identity-configuration.js'
import { issuerUrlProblem } from './issuer-url.js'
import { maxKeys, type VerificationKey, verificationKeys } from './verification-keys.js'

export type LoadedKeys =
  | { readonly ok: true; readonly keys: readonly VerificationKey[] }
  | { readonly ok: false; readonly message: string }

type Document = { readonly ok: true; readonly value: JsonObject } | { readonly ok: false; readonly message: string }

const maxBytes = 1024 * 1024

/** Gets an issuer's keys once: from its discovery document, a JWKS URL or a file. Never rejects. */
export async function loadKeys(source: KeySource, fetcher: Fetcher): Promise<LoadedKeys> {
  const { from, certificateAuthority } = source
  const fetchDocument = async (url: string, accept: string): Promise<Document> => {
    const fetched = await fetcher({ url, accept, certificateAuthority })
    return fetched.ok ? parse(fetched.bytes, url) : fetched
  }
  // The API server answers 406 to a plain application/json.
  const fetchSet = async (url: string) =>
    toKeys(await fetchDocument(url, 'application/jwk-set+json, application/json'), url)

  if (from.kind === 'file') return toKeys(await readDocument(from.path), from.path)
  if (from.kind === 'jwksUri') return fetchSet(from.url)
  const discovery = await fetchDocument(from.url, 'application/json')
  if (!discovery.ok) return discovery
  // OpenID Connect Discovery 1.0, section 4.3: exactly equal, or the document may be somebody else's.
  if (discovery.value.get('issuer') !== source.issuer)
    return {
      ok: false,
      message: `${from.url} describes another issuer; jwt[].issuer.url must equal its "issuer" exactly`,
    }
  const jwksUri = discovery.value.get('jwks_uri')
  if (typeof jwksUri !== 'string') return { ok: false, message: `${from.url} has no jwks_uri` }
  // An issuer that was accepted over http (loopback, by the switch) may keep its keys there too.
  const problem = issuerUrlProblem(jwksUri, { insecureLoopback: from.url.startsWith('http:') })
  if (problem !== undefined) return { ok: false, message: `the jwks_uri of ${from.url} ${problem}` }
  return fetchSet(jwksUri)
}

async function readDocument(path: string): Promise<Document> {
  try {
    const { size } = await stat(path)
    if (size > maxBytes) return { ok: false, message: `${path} is larger than ${maxBytes} bytes` }
    return parse(await readFile(path), path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    return { ok: false, message: `${path} cannot be read: ${code}` }
  }
}

function parse(bytes: Uint8Array, where: string): Document {
  const parsed = parseStrictJson(bytes, { maxBytes, maxDepth: 16 })
  if (!parsed.ok) return { ok: false, message: `${where} is not JSON: ${parsed.message}` }
  return isJsonObject(parsed.value)
    ? { ok: true, value: parsed.value }
    : { ok: false, message: `${where} is not a JSON object` }
}

async function toKeys(document: Document, where: string): Promise<LoadedKeys> {
  if (!document.ok) return document
  const keys = await verificationKeys(document.value)
  if (keys === undefined) return { ok: false, message: `${where} is not a JWK Set with at most ${maxKeys} keys` }
  if (keys.length === 0)
    return {
      ok: false,
      message: `${where} has no key that can verify tokens (RSA from 2048 bits, or EC, for signatures)`,
    }
  return { ok: true, keys }
}
