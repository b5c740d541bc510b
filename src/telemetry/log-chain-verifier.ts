import { timingSafeEqual } from 'node:crypto'
import { chainBegin, digestOf, macOf } from './log-chain.js'
import { readRecord } from './read-records.js'
import { isWholeLine } from './whole-line.js'

/** Something that should not be in a chained log. */
export interface ChainFinding {
  readonly file: string
  readonly line: number
  readonly problem: 'unsealed' | 'changed' | 'missing' | 'order' | 'start' | 'unproven' | 'too-long' | 'anchor'
  /** Holds nothing of the line. */
  readonly message: string
}

export interface ChainSummary {
  readonly lines: number
  /** Records that the log itself says it lost. */
  readonly lost: number
  readonly torn: number
  /** The last line of each chain, the latest chain last; of many chains those that came last. */
  readonly chains: readonly {
    readonly chain: string
    readonly first: number
    readonly last: number
    readonly digest: string
    readonly file: string
    readonly line: number
  }[]
  /** What is no fault by itself, such as a log that begins behind its first line. */
  readonly notes: readonly string[]
}

export interface ChainVerifierOptions {
  /** From `chainKey`. Default: HMACs are not checked. */
  readonly key?: Buffer
  /** Lines of several chains stand mixed, as collectors leave them. Default false. */
  readonly merged?: boolean
  /** Digests of lines that must be there: what was noted elsewhere of an earlier state of the log. */
  readonly anchors?: readonly string[]
}

interface Chain {
  readonly first: number
  seq: number
  digest: string
  file: string
  line: number
  /** What is wrong with the last line was told. */
  told: boolean
  /** The first of the last lines for which no HMAC speaks yet. */
  unproven: { readonly file: string; readonly line: number; readonly seq: number } | undefined
}

/** Chains that are followed at the same time. */
const mostChains = 10_000
const mostNotes = 20

const tail = /,"chain":"([0-9a-f]{16})","seq":(\d{1,15}),"prev":"([0-9a-f]{64})"(?:,"mac":"([0-9a-f]{64})")?\}$/
/** Characters that the tail has at most. */
const longestTail = 260

/** Follows the chains of a log line by line, in memory that does not grow with the log. */
export class LogChainVerifier {
  readonly #options: ChainVerifierOptions
  readonly #chains = new Map<string, Chain>()
  readonly #missingAnchors: Set<string>
  readonly #notes: string[] = []
  #lines = 0
  #lost = 0
  #torn = 0
  #unended = false
  /** Digest of the last whole line. */
  #last: string | undefined
  /** A line that is none, which may be the rest of one that could not be written. */
  #broken: ChainFinding | undefined

  constructor(options: ChainVerifierOptions = {}) {
    this.#options = options
    this.#missingAnchors = new Set(options.anchors)
  }

  /**
   * @param bytes a line without its end; undefined if it was too long to be read
   * @param ended false for the last line of a file that has no line end
   */
  push(file: string, line: number, bytes: Uint8Array | undefined, ended = true): readonly ChainFinding[] {
    this.#lines++
    this.#unended = !ended
    const before = this.#broken
    this.#broken = undefined
    if (bytes === undefined) {
      this.#last = undefined
      return [...list(before), { file, line, problem: 'too-long', message: 'the line is too long to be one of ours' }]
    }
    const sealed = readTail(bytes)
    if (sealed === undefined) return this.#unsealed(file, line, bytes, before)
    const { findings, torn } = this.#check(file, line, bytes, sealed)
    if (before !== undefined && torn && findings.length === 0) {
      this.#torn++
      return []
    }
    return [...list(before), ...findings]
  }

  /** What shows only at the end. */
  finish(): readonly ChainFinding[] {
    const anchors = [...this.#missingAnchors].map(
      (digest): ChainFinding => ({
        ...{ file: '', line: 0, problem: 'anchor' },
        message: `no line has the digest ${digest}: the log was cut, replaced, or is of another time`,
      }),
    )
    const unproven = [...this.#chains].flatMap(([id, chain]) => noProof(id, chain))
    if (this.#broken === undefined || !this.#unended) return [...list(this.#broken), ...unproven, ...anchors]
    this.#note(`${place(this.#broken)}: the last line is not complete; it may still be written`)
    return [...unproven, ...anchors]
  }

  get summary(): ChainSummary {
    const chains = [...this.#chains].map(([chain, { first, seq, digest, file, line }]) => ({
      chain,
      first,
      last: seq,
      digest,
      file,
      line,
    }))
    return { lines: this.#lines, lost: this.#lost, torn: this.#torn, chains, notes: this.#notes }
  }

  #unsealed(file: string, line: number, bytes: Uint8Array, before: ChainFinding | undefined): readonly ChainFinding[] {
    const message = 'the line is not sealed: it was changed, added, or written before the log was chained'
    const finding: ChainFinding = { file, line, problem: 'unsealed', message }
    // A whole record is no rest of one; and of the digests that a start may give, only that of a whole line counts.
    if (!isWholeLine(bytes)) this.#broken = finding
    else this.#last = digestOf(bytes)
    return this.#broken === undefined ? [...list(before), finding] : list(before)
  }

  #check(file: string, line: number, bytes: Uint8Array, sealed: Sealed) {
    const at = { file, line }
    const digest = digestOf(bytes)
    this.#missingAnchors.delete(digest)
    const about = readRecord(bytes).other
    const own = about !== undefined && 'event' in about ? about : undefined
    const findings: ChainFinding[] = []
    const known = this.#chains.get(sealed.chain)
    const forged = this.#forged(bytes, sealed, known?.unproven !== undefined)
    if (forged !== undefined) findings.push({ ...at, problem: 'changed', message: forged })
    const wrong =
      known === undefined
        ? this.#begins(at, sealed, own?.event === 'start' ? own : undefined)
        : goesOn(at, sealed, known)
    // What is forged is told once.
    if (wrong !== undefined && forged === undefined) findings.push(wrong)
    this.#lost += own?.lost ?? 0
    const unproven = this.#unproven(at, sealed, known, wrong === undefined ? own?.follows : undefined)
    this.#last = digest
    this.#chains.delete(sealed.chain)
    // The number that somebody made up is not where the chain stands.
    const made = forged !== undefined && known !== undefined && sealed.seq !== known.seq + 1
    const next = {
      first: known?.first ?? sealed.seq,
      seq: sealed.seq,
      digest,
      ...at,
      told: forged !== undefined,
      unproven,
    }
    this.#chains.set(sealed.chain, made ? known : next)
    for (const oldest of this.#chains.keys()) {
      if (this.#chains.size <= mostChains) break
      this.#chains.delete(oldest)
    }
    return { findings, torn: own?.torn === true }
  }

  /** No HMAC speaks for this line so far, nor for some before it, which may be of the chain that it follows. */
  #unproven(
    at: { readonly file: string; readonly line: number },
    { mac, seq }: Sealed,
    known: Chain | undefined,
    follows: string | undefined,
  ): Chain['unproven'] {
    if (this.#options.key === undefined) return undefined
    let unproven = known?.unproven
    if (known === undefined && follows !== undefined)
      for (const chain of this.#chains.values()) {
        if (chain.digest !== follows) continue
        unproven = chain.unproven
        chain.unproven = undefined
      }
    return mac === undefined ? (unproven ?? { ...at, seq }) : undefined
  }

  #forged(bytes: Uint8Array, { mac, open }: Sealed, severalLines: boolean): string | undefined {
    const { key } = this.#options
    if (key === undefined || mac === undefined) return undefined
    const expected = macOf(key, bytes.subarray(0, open))
    if (timingSafeEqual(Buffer.from(mac), Buffer.from(expected))) return undefined
    const which = severalLines ? 'the line, or one before it that has no HMAC,' : 'the line'
    return `${which} was changed, or sealed with another key: its HMAC is another one`
  }

  #begins(
    at: { readonly file: string; readonly line: number },
    { seq, prev, chain }: Sealed,
    start: { readonly follows?: string | undefined } | undefined,
  ): ChainFinding | undefined {
    const first = this.#last === undefined && this.#chains.size === 0
    if (seq > 0) {
      const text = `the chain ${chain} begins at its line ${seq}: the ${count(seq, 'line')} before`
      if (!first) return { ...at, problem: 'missing', message: `${text} are missing` }
      this.#note(`${place(at)}: ${text} are not in what was given`)
      return undefined
    }
    if (start === undefined || prev !== chainBegin)
      return { ...at, problem: 'start', message: `the chain ${chain} does not begin with a start record` }
    if (this.#options.merged === true || start.follows === this.#last) return undefined
    if (first) {
      this.#note(`${place(at)}: the log had lines before this one, which are not in what was given`)
      return undefined
    }
    return {
      ...{ ...at, problem: 'missing' },
      message:
        'the log began anew, but what stands before is not what stood there: lines are missing, were changed or added',
    }
  }

  #note(text: string): void {
    if (this.#notes.length < mostNotes) this.#notes.push(text)
  }
}

function noProof(id: string, { unproven, seq }: Chain): readonly ChainFinding[] {
  if (unproven === undefined) return []
  const { file, line } = unproven
  const lines = `${count(seq - unproven.seq + 1, 'line')}`
  const message = `no HMAC speaks for the last ${lines} of the chain ${id}: added without the key, cut off, or still being written`
  return [{ file, line, problem: 'unproven', message }]
}

function goesOn(
  at: { readonly file: string; readonly line: number },
  { seq, prev }: Sealed,
  last: Chain,
): ChainFinding | undefined {
  if (seq === last.seq + 1) {
    if (prev === last.digest || last.told) return undefined
    return {
      file: last.file,
      line: last.line,
      problem: 'changed',
      message: 'the line is not the one that the next line follows: it was changed',
    }
  }
  if (seq > last.seq + 1)
    return { ...at, problem: 'missing', message: `missing before this line: ${count(seq - last.seq - 1, 'line')}` }
  return {
    ...at,
    problem: 'order',
    message: `the line is number ${seq} of its chain, but ${last.seq} stands before it: moved, or repeated`,
  }
}

interface Sealed {
  readonly chain: string
  readonly seq: number
  readonly prev: string
  readonly mac: string | undefined
  /** Bytes before the HMAC. */
  readonly open: number
}

function readTail(bytes: Uint8Array): Sealed | undefined {
  const from = Math.max(0, bytes.length - longestTail)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, bytes.length - from).toString('latin1')
  const found = tail.exec(text)
  if (found === null) return undefined
  const [, chain = '', seq = '', prev = '', mac] = found
  const open = bytes.length - (mac === undefined ? 1 : mac.length + 10)
  return { chain, seq: Number(seq), prev, mac, open }
}

function list(finding: ChainFinding | undefined): readonly ChainFinding[] {
  return finding === undefined ? [] : [finding]
}

function place({ file, line }: { readonly file: string; readonly line: number }): string {
  return `${file}:${line}`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
