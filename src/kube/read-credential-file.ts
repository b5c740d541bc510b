import { X509Certificate } from 'node:crypto'
import { constants, open } from 'node:fs/promises'

export type CredentialFile =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly message: string }

/** Bytes. The API server's own tokens have about a thousand. */
const maxTokenBytes = 32 * 1024
const maxPemBytes = 1024 * 1024
const printable = /^[\x21-\x7e]+$/

/** Reads a bearer token. The message names the file and never its content. */
export async function readTokenFile(path: string): Promise<CredentialFile> {
  const read = await readSmallFile(path, maxTokenBytes)
  if (!read.ok) return read
  const token = read.text.trim()
  if (token === '') return { ok: false, message: `the token file ${path} is empty` }
  if (!printable.test(token)) {
    return { ok: false, message: `the token file ${path} holds characters that a token cannot have` }
  }
  return { ok: true, text: token }
}

/** Reads a file with PEM blocks. */
export async function readPemFile(path: string): Promise<CredentialFile> {
  const read = await readSmallFile(path, maxPemBytes)
  return read.ok && !read.text.includes('-----BEGIN ') ? { ok: false, message: `the file ${path} holds no PEM` } : read
}

/** Reads certificates that others are verified against; Node would pass over those that it cannot read. */
export async function readAuthorityFile(path: string): Promise<CredentialFile> {
  const read = await readPemFile(path)
  return read.ok && !isAuthority(read.text) ? { ok: false, message: `the file ${path} holds no certificate` } : read
}

/** Whether a PEM text begins with a certificate that can be read. */
export function isAuthority(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}

/** Reads a text file that must be small. */
export async function readSmallFile(path: string, maxBytes: number): Promise<CredentialFile> {
  try {
    // A pipe that nobody writes to would otherwise be waited for without end, and so would the end of the process.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const buffer = Buffer.allocUnsafe(Math.min(maxBytes, (await file.stat()).size) + 1)
      let size = 0
      for (;;) {
        const { bytesRead } = await file.read(buffer, size, buffer.length - size, null)
        size += bytesRead
        if (bytesRead === 0 || size === buffer.length) break
      }
      // One byte more than there were: it is being written, or it is too large.
      if (size === buffer.length)
        return { ok: false, message: `the file ${path} is larger than ${maxBytes} bytes, or is growing` }
      return { ok: true, text: buffer.toString('utf8', 0, size) }
    } finally {
      await file.close()
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'error'
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`
    return { ok: false, message: `the file ${path} ${why}` }
  }
}
