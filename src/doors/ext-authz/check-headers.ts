import { commonHeaderNames } from '../../protocol/common-header-names.js'
import type { GatewayProfile } from '../../protocol/inbound-request.js'
import { addHeader, type HeaderSlots, type HeaderSource, RequestHeaders } from '../../protocol/request-headers.js'
import { KnownTexts } from '../envoy/known-texts.js'
import { headerText } from '../envoy/read-header-map.js'
import type { WireReader } from '../envoy/wire-reader.js'

const pseudoNames = [':method', ':path', ':authority', ':scheme', ':protocol'] as const
const knownNames = new KnownTexts([...commonHeaderNames, ...pseudoNames])

/** How a value came: as text that the gateway has made of it, or as it is. */
const text = 0
const rawBytes = 1

interface Pseudo {
  readonly name: string
  readonly start: number
  readonly end: number
  readonly raw: boolean
}

/**
 * Headers of a CheckRequest while it is read. `header_map` (Envoy's encode_raw_headers) wins over `headers`, because it keeps
 * repeats apart and bytes as they are; a gateway fills one of them.
 */
export class CheckHeaders implements HeaderSource {
  readonly #bytes: Buffer
  readonly #profile: GatewayProfile
  /** Of `headers`, by names as they came: of two equal ones the last counts, as with every protobuf map. */
  #joined: Map<string, number> | undefined
  #joinedPseudo: Pseudo[] | undefined
  #joinedCapitals = false
  /** Of `header_map`. */
  #apart: HeaderSlots | undefined
  #apartPseudo: Pseudo[] | undefined
  /** Of values: where each begins and ends, and whether it is raw. The index of the first is the place of the value. */
  readonly #places: number[] = []
  #count = 0
  #wireBytes = 0

  constructor(bytes: Buffer, profile: GatewayProfile) {
    this.#bytes = bytes
    this.#profile = profile
  }

  /** An entry of `headers`. */
  readEntry(reader: WireReader, end: number): void {
    let nameStart = 0
    let nameEnd = 0
    let start = 0
    let stop = 0
    while (reader.more(end)) {
      const field = reader.field(end)
      if (field !== 1 && field !== 2) {
        reader.skip(end)
        continue
      }
      const close = reader.open(end)
      if (field === 1) {
        nameStart = reader.at
        nameEnd = close
      } else {
        start = reader.at
        stop = close
      }
      reader.close(close)
    }
    if (reader.failed) return
    const name = this.#name(nameStart, nameEnd)
    const lower = name.toLowerCase()
    if (lower.startsWith(':')) {
      this.#joinedPseudo ??= []
      this.#joinedPseudo.push({ name: lower, start, end: stop, raw: false })
      return
    }
    this.#joined ??= new Map()
    this.#joined.set(name, this.#place(nameEnd - nameStart, start, stop, text))
    // Gateways send lower case. A name that does not may not hide from us behind its capitals.
    if (name !== lower) this.#joinedCapitals = true
  }

  /** The `header_map`. */
  readMap(reader: WireReader, end: number): void {
    while (reader.more(end)) {
      if (reader.field(end) === 1) this.#readValue(reader, reader.open(end))
      else reader.skip(end)
    }
  }

  #readValue(reader: WireReader, end: number): void {
    let nameStart = 0
    let nameEnd = 0
    let start = 0
    let stop = 0
    let rawStart = 0
    let rawStop = 0
    while (reader.more(end)) {
      const field = reader.field(end)
      if (field < 1 || field > 3) {
        reader.skip(end)
        continue
      }
      const close = reader.open(end)
      if (field === 1) {
        nameStart = reader.at
        nameEnd = close
      } else if (field === 2) {
        start = reader.at
        stop = close
      } else {
        rawStart = reader.at
        rawStop = close
      }
      reader.close(close)
    }
    if (reader.failed) return
    const raw = rawStop > rawStart
    if (raw) {
      start = rawStart
      stop = rawStop
    }
    this.#apart ??= new Map()
    const name = this.#name(nameStart, nameEnd).toLowerCase()
    if (name.startsWith(':')) {
      this.#apartPseudo ??= []
      this.#apartPseudo.push({ name, start, end: stop, raw })
      return
    }
    addHeader(this.#apart, name, this.#place(nameEnd - nameStart, start, stop, raw ? rawBytes : text))
  }

  #place(nameBytes: number, start: number, end: number, kind: number): number {
    this.#count++
    this.#wireBytes += nameBytes + end - start
    return this.#places.push(start, end, kind) - 3
  }

  /** Without pseudo headers. */
  request(): RequestHeaders {
    const values = this.#apart ?? (this.#joinedCapitals ? this.#inLowerCase() : this.#joined)
    if (values === undefined) return none
    // A byte that is not UTF-8 becomes a character of three, and so may "!".
    return RequestHeaders.of(values, this, { count: this.#count, bytes: 3 * this.#wireBytes })
  }

  #inLowerCase(): HeaderSlots {
    const values: HeaderSlots = new Map()
    for (const [name, place] of this.#joined ?? []) addHeader(values, name.toLowerCase(), place)
    return values
  }

  text(place: number): string {
    const start = this.#places[place] ?? 0
    const end = this.#places[place + 1] ?? 0
    if (this.#places[place + 2] === rawBytes) return this.#raw(start, end)
    const value = this.#text(start, end)
    return this.#apart === undefined ? this.#unfiltered(value) : value
  }

  /**
   * Whether all pseudo headers of this name say the same as the attribute. Envoy sanitises the attribute to UTF-8, the raw
   * header it leaves alone: where they differ, the attribute is not what the server will see, and there is no safe choice.
   */
  agree(method: string, path: string, authority: string, scheme: string): boolean {
    const pseudo = this.#apart !== undefined ? this.#apartPseudo : this.#joinedPseudo
    if (pseudo === undefined) return true
    for (const one of pseudo) {
      switch (one.name) {
        case ':method':
          if (!this.#says(one, method)) return false
          break
        case ':path':
          if (!this.#says(one, path)) return false
          break
        case ':authority':
          if (!this.#says(one, authority)) return false
          break
        case ':scheme':
          if (!this.#says(one, scheme)) return false
          break
      }
    }
    return true
  }

  #says({ start, end, raw }: Pseudo, attribute: string): boolean {
    const bytes = this.#bytes
    if (attribute.length === end - start) {
      let at = 0
      while (at < attribute.length) {
        const byte = bytes[start + at]
        if (byte === undefined || byte > 0x7f || byte !== attribute.charCodeAt(at)) break
        at++
      }
      if (at === attribute.length) return true
    }
    return (raw ? this.#raw(start, end) : this.#text(start, end)) === attribute
  }

  #name(start: number, end: number): string {
    return knownNames.find(this.#bytes, start, end) ?? this.#text(start, end)
  }

  #text(start: number, end: number): string {
    return start === end ? '' : this.#bytes.toString('utf8', start, end)
  }

  /** As {@link headerText} reads it; only what holds the mark of bytes that are not UTF-8 needs a second look. */
  #raw(start: number, end: number): string {
    const value = this.#text(start, end)
    return value.includes('\ufffd') ? headerText(this.#bytes.subarray(start, end)) : value
  }

  /**
   * Without encode_raw_headers Envoy writes "!" for every byte that is not UTF-8, and the server gets the bytes. Which of the
   * two it was cannot be known: a value that holds one counts as one that is no visible ASCII. agentgateway writes U+FFFD
   * itself, and "!" only where the client did.
   */
  #unfiltered(value: string): string {
    return this.#profile === 'agentgateway' || !value.includes('!') ? value : value.replaceAll('!', '\ufffd')
  }
}

const none = RequestHeaders.from([])
