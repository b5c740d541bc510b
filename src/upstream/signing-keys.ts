import { readFile, stat } from 'node:fs/promises'
import { readSigningKey, type SigningKey } from './signing-key.js'

export interface KeyFile {
  /** PEM with one private key. */
  readonly file: string
  /** An optional file may be missing; the others must be there at the start. */
  readonly optional: boolean
}

export type SigningKeysEvent =
  | { readonly kind: 'keys_changed'; readonly kids: readonly string[]; readonly signing: string }
  /** The key read before stays in use. */
  | { readonly kind: 'key_failed'; readonly file: string; readonly message: string }

export interface SigningKeysOptions {
  /** In order of preference: the first that has been published for long enough signs. */
  readonly files: readonly KeyFile[]
  /** Milliseconds for which a key is published before it signs, as long as another one can. Default 600,000. */
  readonly lead?: number
  /** Milliseconds between two looks at the files. Default 10,000. */
  readonly interval?: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly onEvent?: (event: SigningKeysEvent) => void
}

interface Slot {
  readonly key: SigningKey
  /** When it was first seen in any file; -Infinity for what was there at the start. */
  readonly seenAt: number
}

const maxBytes = 64 * 1024

/**
 * Our own keys, followed through their files: all of them are published, and a new one signs only after those who verify
 * had time to fetch it, so that exchanging files rotates keys without a refused token and without a restart. A file that
 * becomes unreadable keeps its key; one that is optional and goes away takes its key along.
 */
export class SigningKeys {
  readonly #options: Required<SigningKeysOptions>
  #slots: readonly Slot[] = []
  #byFile = new Map<string, SigningKey>()
  #failures = new Map<string, string>()
  #jwks = '{"keys":[]}'
  #signing: SigningKey | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: SigningKeysOptions) {
    this.#options = { lead: 600_000, interval: 10_000, onEvent: () => undefined, ...options }
  }

  /** The JWK Set of all keys (RFC 7517), as a JSON text. */
  get jwks(): string {
    return this.#jwks
  }

  /** Algorithms of all keys, for metadata. */
  get algorithms(): readonly string[] {
    return [...new Set(this.#slots.map(({ key }) => key.algorithm))]
  }

  /** The key that signs now; undefined before `start`. */
  get current(): SigningKey | undefined {
    const due = this.#options.now() - this.#options.lead
    const ready = this.#slots.find(({ seenAt }) => seenAt <= due)
    // No key is old enough only when all were exchanged at once: then there is nothing left to wait with.
    this.#signing = ready?.key ?? this.#stillThere(this.#signing) ?? this.#slots[0]?.key
    return this.#signing
  }

  /** Reads the files and follows them until `stop`. Throws when a file that must be there cannot be used. */
  async start(): Promise<void> {
    await this.refresh()
    for (const { file, optional } of this.#options.files) {
      const failure = this.#failures.get(file)
      if (failure !== undefined && !(optional && failure === missing))
        throw new Error(`the signing key ${file} ${failure}`)
    }
    if (this.current === undefined) throw new Error('there is no signing key: none of the files of signing.keys exists')
    this.#schedule()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Looks at the files once. Never rejects. */
  async refresh(): Promise<void> {
    const { files, now, onEvent } = this.#options
    const first = this.#slots.length === 0
    const byFile = new Map<string, SigningKey>()
    for (const { file, optional } of files) {
      const read = await readKeyFile(file)
      if (read.ok) {
        byFile.set(file, read.key)
        this.#failures.delete(file)
        continue
      }
      const before = this.#byFile.get(file)
      const gone = optional && read.message === missing
      if (before !== undefined && !gone) byFile.set(file, before)
      if (this.#failures.get(file) === read.message) continue
      this.#failures.set(file, read.message)
      if (!gone) onEvent({ kind: 'key_failed', file, message: read.message })
    }
    this.#byFile = byFile
    const known = new Map(this.#slots.map(slot => [slot.key.kid, slot]))
    const kids = new Map([...byFile.values()].map(key => [key.kid, key]))
    const slots = [...kids].map(
      ([kid, key]) => known.get(kid) ?? { key, seenAt: first ? Number.NEGATIVE_INFINITY : now() },
    )
    const same = slots.length === this.#slots.length && slots.every((slot, index) => slot === this.#slots[index])
    if (same) return
    this.#slots = slots
    this.#jwks = JSON.stringify({ keys: slots.map(({ key }) => key.publicJwk) })
    onEvent({ kind: 'keys_changed', kids: slots.map(({ key }) => key.kid), signing: this.current?.kid ?? '' })
  }

  #stillThere(key: SigningKey | undefined): SigningKey | undefined {
    return this.#slots.find(slot => slot.key.kid === key?.kid)?.key
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      void this.refresh().then(() => {
        if (this.#timer !== undefined) this.#schedule()
      })
    }, this.#options.interval)
    this.#timer.unref()
  }
}

const missing = 'does not exist'

async function readKeyFile(file: string): Promise<ReturnType<typeof readSigningKey>> {
  try {
    const { size } = await stat(file)
    if (size > maxBytes) return { ok: false, message: `is larger than ${maxBytes} bytes` }
    return readSigningKey(await readFile(file, 'utf8'))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    return { ok: false, message: code === 'ENOENT' ? missing : `cannot be read: ${code}` }
  }
}
