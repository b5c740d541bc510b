import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type SessionKey, SessionKeys } from './protocol/session-tag.js'

const lineFeed = 0x0a
const carriageReturn = 0x0d

export interface SessionKeyFilesOptions {
  /** How often the files are compared with what is in use, in milliseconds. Default 10000. */
  readonly reloadIntervalMs?: number
  /** Other keys are in use from now on; their ids, the one that tags first. */
  onReloaded?(ids: readonly string[]): void
  /** The files cannot be used, and the last good keys stay. Once per problem; holds nothing of the files. */
  onError?(message: string): void
}

export interface SessionKeyFiles {
  /** Always those in use: they change in place. */
  readonly keys: SessionKeys
  /** Looks at the files. True if other keys took effect. */
  reload(): boolean
  close(): void
}

/**
 * The keys in these files, undefined without any, which follow them. Changes count when two looks in a row see the same, so
 * that a file that is just being written, or a Secret that is swapped between two of its files, is no key. Polling instead
 * of watching: mounted Secrets swap symlinks, and a poll cannot miss that. Throws for the operator at the start; later bad
 * files are reported and change nothing.
 */
export function createSessionKeys(
  files: readonly string[],
  { reloadIntervalMs = 10_000, onReloaded, onError }: SessionKeyFilesOptions = {},
): SessionKeyFiles | undefined {
  let inUse = readKeys(files)
  if (inUse.length === 0) return undefined
  const keys = new SessionKeys(inUse)
  let seen = inUse
  let lastProblem = ''
  const reload = (): boolean => {
    try {
      const next = readKeys(files)
      const settled = same(next, seen)
      seen = next
      if (!settled || same(next, inUse)) {
        if (settled) lastProblem = ''
        return false
      }
      keys.replace(next)
      inUse = next
      lastProblem = ''
      onReloaded?.(next.map(({ id }) => id))
      return true
    } catch (error) {
      const problem = `the session keys were not reloaded, the last good ones stay: ${describe(error)}`
      if (problem !== lastProblem) onError?.(problem)
      lastProblem = problem
      return false
    }
  }
  const timer = setInterval(reload, reloadIntervalMs)
  timer.unref()
  return { keys, reload, close: () => clearInterval(timer) }
}

/**
 * A key is named by a digest of it, so that replicas agree whatever their files are called. Line ends behind the secret do
 * not count, which editors add. A file with nothing else in it is a place for a key that is not there yet, or no longer.
 */
function readKeys(files: readonly string[]): readonly SessionKey[] {
  const keys: SessionKey[] = []
  for (const file of files) {
    const secret = withoutLineEnds(readFileSync(file))
    if (secret.length === 0) continue
    // SessionKeys cannot say which file it is.
    if (secret.length < 32) throw new Error(`the session key ${file} has less than 32 bytes`)
    const id = createHash('sha256').update('mcp-authz session key ').update(secret).digest('base64url').slice(0, 8)
    keys.push({ id, secret })
  }
  if (keys.length === 0 && files.length > 0) throw new Error('none of the files of sessions.keys holds a key')
  return keys
}

function withoutLineEnds(bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && (bytes[end - 1] === lineFeed || bytes[end - 1] === carriageReturn)) end--
  return bytes.subarray(0, end)
}

function same(some: readonly SessionKey[], others: readonly SessionKey[]): boolean {
  return some.length === others.length && some.every(({ secret }, i) => others[i] && equal(secret, others[i].secret))
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error'
}
