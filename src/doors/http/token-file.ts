import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'

export interface TokenFile {
  /** Whether this is one of the tokens. Takes the same time whichever it is. */
  accepts(token: string): boolean
}

export interface TokenFileOptions {
  readonly path: string
  /** Milliseconds since the epoch. */
  now(): number
  /** The file cannot be used any more; until it can, no token is good. Never holds a token. */
  onError(message: string): void
  /** Age at which the file is read again, in milliseconds. Default 5000. */
  readonly maxAgeMs?: number
}

const maxTokens = 8
const maxBytes = 64 * 1024
/** Shorter ones can be guessed. */
const shortest = 32
const tokenPattern = /^[\x21-\x7e]+$/

/**
 * The bearer tokens of a file, one per line, so that an old and a new one overlap while they are rotated. A file that
 * goes missing revokes its tokens. Throws when it cannot be used at the start.
 */
export function openTokenFile({ path, now, onError, maxAgeMs = 5000 }: TokenFileOptions): TokenFile {
  let digests = read(path)
  let readAt = now()
  let problem = ''
  const refresh = () => {
    if (now() - readAt < maxAgeMs) return
    readAt = now()
    try {
      digests = read(path)
      problem = ''
    } catch (error) {
      digests = []
      const message = error instanceof Error ? error.message : 'unknown error'
      if (message !== problem) onError(`no bearer token is accepted: ${message}`)
      problem = message
    }
  }
  return {
    accepts(token) {
      refresh()
      const digest = digestOf(token)
      let found = false
      // All of them are looked at: where it stands in the file is not told by time either.
      for (const one of digests) found = timingSafeEqual(one, digest) || found
      return found
    },
  }
}

function read(path: string): readonly Buffer[] {
  const bytes = readFileSync(path)
  if (bytes.length > maxBytes) throw new Error(`the token file ${path} is larger than ${maxBytes} bytes`)
  const tokens = bytes
    .toString('utf8')
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
  if (tokens.length === 0) throw new Error(`the token file ${path} holds no token`)
  if (tokens.length > maxTokens) throw new Error(`the token file ${path} holds more than ${maxTokens} tokens`)
  if (!tokens.every(token => token.length >= shortest && tokenPattern.test(token)))
    throw new Error(`a token in ${path} is shorter than ${shortest} characters, or holds one that is not visible ASCII`)
  return tokens.map(digestOf)
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
