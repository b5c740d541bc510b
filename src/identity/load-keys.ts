import { readFile, stat } from 'node:fs/promises'
import type { ApiServer } from '../kube/api-server.js'
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
/** The API server answers 406 to a plain application/json. */
const keySetTypes = 'application/jwk-set+json, application/json'

/** The API servers of clusters, by name. undefined: one that is configured, but cannot be asked from here. */
export type ClusterConnections = ReadonlyMap<string, ApiServer | undefined>

/** Gets an issuer's keys once: from its discovery document, a JWKS URL, a file or an API server. Never rejects. */
export async function loadKeys(
  source: KeySource,
  fetcher: Fetcher,
  clusters: ClusterConnections = new Map(),
): Promise<LoadedKeys> {
  const { from, certificateAuthority } = source
  const fetchDocument = async (url: string, accept: string): Promise<Document> => {
    const fetched = await fetcher({ url, accept, certificateAuthority })
    return fetched.ok ? parse(fetched.bytes, url) : fetched
  }
  const fetchSet = async (url: string) => toKeys(await fetchDocument(url, keySetTypes), url)

  if (from.kind === 'file') return toKeys(await readDocument(from.path), from.path)
  if (from.kind === 'cluster') return fromCluster(from.cluster, clusters)
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

/** As whoever we are there: few clusters show their keys to everybody (ClusterRole system:service-account-issuer-discovery). */
async function fromCluster(cluster: string, clusters: ClusterConnections): Promise<LoadedKeys> {
  const where = `the key set of the cluster "${cluster}"`
  const api = clusters.get(cluster)
  if (api === undefined) return { ok: false, message: `${where} cannot be read: it has no connection` }
  const answer = await api.request({ method: 'GET', path: '/openid/v1/jwks', accept: keySetTypes, maxBytes })
  if (!answer.ok) return { ok: false, message: `${where} cannot be read: ${answer.reason}: ${answer.message}` }
  return isJsonObject(answer.body)
    ? toKeys({ ok: true, value: answer.body }, where)
    : { ok: false, message: `${where} is not a JSON object` }
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
