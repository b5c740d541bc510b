import { commonHeaderNames } from '../../protocol/common-header-names.js'
import type { GatewayProfile } from '../../protocol/inbound-request.js'
import { legacyVersions, modernVersions } from '../../protocol/mcp/era.js'
import { addHeader, type HeaderSlots, type HeaderSource, RequestHeaders } from '../../protocol/request-headers.js'
import { KnownTexts } from '../envoy/known-texts.js'
import { headerText } from '../envoy/read-header-map.js'
import type { WireReader } from '../envoy/wire-reader.js'

const pseudoNames = [':method', ':path', ':authority', ':scheme', ':protocol'] as const
/** In lower case, all of them. */
const knownNames = new KnownTexts([...commonHeaderNames, ...pseudoNames])
/** Of headers that are asked for; without "!", which means something else in a value. */
const knownValues = new KnownTexts([...legacyVersions, ...modernVersions, 'application/json', 'false', 'true'])

const colon = 0x3a

/** Of the fields 1 and 2, which have a length. */
const nameTag = 0x0a
const valueTag = 0x12

/** The place of a value that did not come. */
const nowhere = -1

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
    let place = nowhere
    let start = 0
    let stop = 0
    // As they are mostly written: the name, then the value.
    const nameStop = reader.openShort(nameTag, end)
    if (nameStop >= 0) {
      nameStart = reader.at
      nameEnd = nameStop
      reader.close(nameStop)
      const valueStop = reader.openShort(valueTag, end)
      if (valueStop >= 0) {
        start = reader.at
        stop = valueStop
        place = placeOf(start - 1, false)
        reader.close(valueStop)
      }
    }
    while (reader.more(end)) {
      const field = reader.field(end)
      if (field !== 1 && field !== 2) {
        reader.skip(end)
        continue
      }
      const { at } = reader
      const close = reader.open(end)
      if (field === 1) {
        nameStart = reader.at
        nameEnd = close
      } else {
        place = placeOf(at, false)
        start = reader.at
        stop = close
      }
      reader.close(close)
    }
    if (reader.failed) return
    const known = knownNames.find(this.#bytes, nameStart, nameEnd)
    const name = known ?? this.#text(nameStart, nameEnd)
    const lower = known ?? name.toLowerCase()
    if (lower.charCodeAt(0) === colon) {
      this.#joinedPseudo ??= []
      this.#joinedPseudo.push({ name: lower, start, end: stop, raw: false })
      return
    }
    this.#joined ??= new Map()
    this.#joined.set(name, place)
    this.#count++
    this.#wireBytes += nameEnd - nameStart + stop - start
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
    let place = nowhere
    let start = 0
    let stop = 0
    let rawPlace = nowhere
    let rawStart = 0
    let rawStop = 0
    while (reader.more(end)) {
      const field = reader.field(end)
      if (field < 1 || field > 3) {
        reader.skip(end)
        continue
      }
      const { at } = reader
      const close = reader.open(end)
      if (field === 1) {
        nameStart = reader.at
        nameEnd = close
      } else if (field === 2) {
        place = placeOf(at, false)
        start = reader.at
        stop = close
      } else {
        rawPlace = placeOf(at, true)
        rawStart = reader.at
        rawStop = close
      }
      reader.close(close)
    }
    if (reader.failed) return
    const raw = rawStop > rawStart
    if (raw) {
      place = rawPlace
      start = rawStart
      stop = rawStop
    }
    this.#apart ??= new Map()
    const name = knownNames.find(this.#bytes, nameStart, nameEnd) ?? this.#text(nameStart, nameEnd).toLowerCase()
    if (name.charCodeAt(0) === colon) {
      this.#apartPseudo ??= []
      this.#apartPseudo.push({ name, start, end: stop, raw })
      return
    }
    addHeader(this.#apart, name, place)
    this.#count++
    this.#wireBytes += nameEnd - nameStart + stop - start
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
    if (place === nowhere) return ''
    const bytes = this.#bytes
    let start = place >>> 1
    let length = 0
    let shift = 0
    let byte = 0
    do {
      byte = bytes[start++] ?? 0
      length |= (byte & 0x7f) << shift
      shift += 7
    } while (byte >= 0x80)
    const end = start + length
    if ((place & 1) === 1) return this.#raw(start, end)
    const known = knownValues.find(bytes, start, end)
    if (known !== undefined) return known
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

/**
 * Where the length of a value stands, which the value follows, and whether it is raw: one small number instead of a list of
 * begins and ends that grows with each header.
 */
function placeOf(at: number, raw: boolean): number {
  return 2 * at + (raw ? 1 : 0)
}

const none = RequestHeaders.from([])
