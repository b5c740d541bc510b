import { type CryptoKey, calculateJwkThumbprint, importJWK } from 'jose'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../protocol/json-value.js'
import { type Algorithm, isAlgorithm } from './algorithms.js'

/** One public key of an issuer that may verify signatures. */
export interface VerificationKey {
  /** undefined when the key set does not name it. */
  readonly kid: string | undefined
  readonly algorithms: readonly Algorithm[]
  /** The same for the same key under the same id and use; RFC 7638 inside. */
  readonly fingerprint: string
  /** The key for one of its algorithms. Rejects when the key turns out to be unusable for it. */
  importFor(algorithm: Algorithm): Promise<CryptoKey>
}

/** Keys per set; the largest public ones have about ten. */
export const maxKeys = 100

type PublicJwk =
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string }
  | { readonly kty: 'EC'; readonly crv: string; readonly x: string; readonly y: string }

/**
 * The usable keys of a JWK Set (RFC 7517). Skipped, so that one odd key does not take the others with it: symmetric and
 * unknown kinds, keys for encryption, algorithms that we do not accept, RSA below 2048 bits, points off the curve.
 * `jwt-svid` is the use that SPIFFE bundles give to keys for tokens. Only the public members are ever read.
 * undefined when it is not a JWK Set at all.
 */
export async function verificationKeys(set: JsonValue): Promise<readonly VerificationKey[] | undefined> {
  const list = isJsonObject(set) ? set.get('keys') : undefined
  if (!isJsonArray(list) || list.length > maxKeys) return undefined
  const keys: VerificationKey[] = []
  for (const jwk of list) {
    const key = isJsonObject(jwk) ? await verificationKey(jwk) : undefined
    if (key !== undefined) keys.push(key)
  }
  return keys
}

async function verificationKey(jwk: JsonObject): Promise<VerificationKey | undefined> {
  const use = jwk.get('use')
  if (use !== undefined && use !== 'sig' && use !== 'jwt-svid') return undefined
  const operations = jwk.get('key_ops')
  if (operations !== undefined && !(isJsonArray(operations) && operations.includes('verify'))) return undefined
  const kid = jwk.get('kid')
  if (kid !== undefined && typeof kid !== 'string') return undefined
  const publicJwk = publicPart(jwk)
  if (publicJwk === undefined) return undefined
  const stated = jwk.get('alg')
  const algorithms = algorithmsOf(publicJwk).filter(algorithm => stated === undefined || stated === algorithm)
  const [first] = algorithms
  if (first === undefined) return undefined
  const imported = new Map<Algorithm, Promise<CryptoKey>>()
  const importFor = (algorithm: Algorithm) => {
    const known = imported.get(algorithm)
    if (known !== undefined) return known
    const key = importPublicKey(publicJwk, algorithm)
    imported.set(algorithm, key)
    return key
  }
  try {
    await importFor(first)
    const thumbprint = await calculateJwkThumbprint({ ...publicJwk })
    return { kid, algorithms, fingerprint: JSON.stringify([thumbprint, kid ?? null, algorithms]), importFor }
  } catch {
    return undefined
  }
}

function publicPart(jwk: JsonObject): PublicJwk | undefined {
  const text = (name: string) => {
    const value = jwk.get(name)
    return typeof value === 'string' ? value : undefined
  }
  const [kty, n, e, crv, x, y] = ['kty', 'n', 'e', 'crv', 'x', 'y'].map(text)
  if (kty === 'RSA' && n !== undefined && e !== undefined) return { kty, n, e }
  if (kty === 'EC' && crv !== undefined && x !== undefined && y !== undefined) return { kty, crv, x, y }
  return undefined
}

const ellipticAlgorithms: { readonly [curve: string]: Algorithm } = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
}

function algorithmsOf(jwk: PublicJwk): readonly Algorithm[] {
  if (jwk.kty === 'RSA') return ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
  const algorithm = Object.hasOwn(ellipticAlgorithms, jwk.crv) ? ellipticAlgorithms[jwk.crv] : undefined
  return isAlgorithm(algorithm) ? [algorithm] : []
}

async function importPublicKey(jwk: PublicJwk, algorithm: Algorithm): Promise<CryptoKey> {
  const key = await importJWK({ ...jwk }, algorithm)
  if (key instanceof Uint8Array) throw new Error('a symmetric key cannot verify')
  const { algorithm: details } = key
  if ('modulusLength' in details && typeof details.modulusLength === 'number' && details.modulusLength < 2048)
    throw new Error('RSA keys below 2048 bits are not accepted')
  return key
}
