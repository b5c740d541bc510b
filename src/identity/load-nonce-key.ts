import { readFileSync, statSync } from 'node:fs'
import { DpopNonce, minNonceKey } from './dpop/dpop-nonce.js'

export type LoadedNonce =
  | { readonly ok: true; readonly nonce: DpopNonce }
  | { readonly ok: false; readonly message: string }

const maxBytes = 4096

/**
 * Reads the key that the replicas share for their nonces: any bytes, at least 32 of them. Never throws. At once, so that a
 * configuration that takes the place of another one has its key when its first request comes.
 */
export function loadNonceKey(path: string): LoadedNonce {
  try {
    const { size } = statSync(path)
    if (size < minNonceKey || size > maxBytes)
      return { ok: false, message: `${path} must hold ${minNonceKey} to ${maxBytes} random bytes` }
    return { ok: true, nonce: new DpopNonce(readFileSync(path)) }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    return { ok: false, message: `${path} cannot be read: ${code}` }
  }
}
