import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { SessionKeys } from './protocol/session-tag.js'

const lineFeed = 0x0a
const carriageReturn = 0x0d

/**
 * The keys in these files, undefined without any. A key is named by a digest of it, so that replicas agree whatever their
 * files are called. Line ends behind the secret do not count, which editors add. Throws for the operator: a missing file,
 * less than 32 bytes, the same key twice.
 */
export function readSessionKeys(files: readonly string[]): SessionKeys | undefined {
  if (files.length === 0) return undefined
  return new SessionKeys(
    files.map(file => {
      const secret = withoutLineEnds(readFileSync(file))
      // SessionKeys cannot say which file it is.
      if (secret.length < 32) throw new Error(`the session key ${file} has less than 32 bytes`)
      return {
        id: createHash('sha256').update('mcp-authz session key ').update(secret).digest('base64url').slice(0, 8),
        secret,
      }
    }),
  )
}

function withoutLineEnds(bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && (bytes[end - 1] === lineFeed || bytes[end - 1] === carriageReturn)) end--
  return bytes.subarray(0, end)
}
