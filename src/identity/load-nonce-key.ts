import { readFile, stat } from 'node:fs/promises'
import { DpopNonce, minNonceKey } from './dpop/dpop-nonce.js'

export type LoadedNonce =
  | { readonly ok: true; readonly nonce: DpopNonce }
  | { readonly ok: false; readonly message: string }

const maxBytes = 4096

/** Reads the key that the replicas share for their nonces: any bytes, at least 32 of them. Never rejects. */
export async function loadNonceKey(path: string): Promise<LoadedNonce> {
  try {
    const { size } = await stat(path)
    if (size < minNonceKey || size > maxBytes)
      return { ok: false, message: `${path} must hold ${minNonceKey} to ${maxBytes} random bytes` }
    return { ok: true, nonce: new DpopNonce(await readFile(path)) }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    return { ok: false, message: `${path} cannot be read: ${code}` }
  }
}
