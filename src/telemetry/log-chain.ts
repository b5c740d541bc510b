import { createHmac, hash, randomBytes } from 'node:crypto'
import { logRecordVersion } from './record-versions.js'

/** Where a chain stands: what its next line says of the one before. */
export interface ChainState {
  readonly seq: number
  readonly prev: string
}

export interface LogChainOptions {
  /** From `chainKey`. Default: none; then whoever can write the file can write a chain of their own as well. */
  readonly key?: Buffer
}

/** `prev` of the first line. */
export const chainBegin = '0'.repeat(64)

/**
 * Seals the lines of one log: each says its number and the SHA-256 of the line before it, so that a line that was changed,
 * removed, added or moved shows. With a key some of them also carry an HMAC over themselves, which nobody can make without
 * the key; it speaks for all lines before it, whose digests it depends on. Lines are JSON objects and stay such: `chain`, `seq`, `prev` and `mac` are their last members, in this order.
 */
export class LogChain {
  readonly id = randomBytes(8).toString('hex')
  readonly #key: Buffer | undefined
  #state: ChainState = { seq: 0, prev: chainBegin }

  constructor({ key }: LogChainOptions = {}) {
    this.#key = key
  }

  /** Taken before lines are sealed that may not get written. */
  get state(): ChainState {
    return this.#state
  }

  /** Takes back what was sealed since. */
  restore(state: ChainState): void {
    this.#state = state
  }

  /**
   * @param line one JSON object with at least one member, without line end
   * @param proven false to leave the HMAC out, which takes as long as the rest: some line behind it must have one
   */
  seal(line: string, proven = true): string {
    const { seq, prev } = this.#state
    const open = `${line.slice(0, -1)},"chain":"${this.id}","seq":${seq},"prev":"${prev}"`
    const sealed = this.#key === undefined || !proven ? `${open}}` : `${open},"mac":"${macOf(this.#key, open)}"}`
    this.#state = { seq: seq + 1, prev: digestOf(sealed) }
    return sealed
  }
}

export function digestOf(line: string | Uint8Array): string {
  return hash('sha256', line, 'hex')
}

/** HMAC-SHA-256 of a sealed line up to `,"mac":`, in hex. */
export function macOf(key: Buffer, open: string | Uint8Array): string {
  return createHmac('sha256', key).update(open).digest('hex')
}

/** The key of a chain from the bytes of a key file: its own one, should the file serve something else too. */
export function chainKey(secret: Uint8Array): Buffer {
  if (secret.length < 32) throw new Error('the key of the chain must have at least 32 bytes, e.g. of: openssl rand 32')
  return createHmac('sha256', secret).update(logRecordVersion).digest()
}

/** What a log says when a chain begins. `follows`: the digest of the last whole line that stands before it, if one does. */
export function startRecord(
  now: number,
  { follows, torn }: { readonly follows?: string; readonly torn: boolean },
): string {
  return JSON.stringify({
    version: logRecordVersion,
    timestamp: new Date(now).toISOString(),
    event: 'start',
    ...(follows !== undefined && { follows }),
    ...(torn && { torn }),
  })
}

/** What a log says when it goes on after it lost records. `torn`: the line before was not written to its end. */
export function lostRecord(now: number, lost: number, torn: boolean): string {
  return JSON.stringify({
    version: logRecordVersion,
    timestamp: new Date(now).toISOString(),
    event: 'lost',
    lost,
    ...(torn && { torn }),
  })
}
