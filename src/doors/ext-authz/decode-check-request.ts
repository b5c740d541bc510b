import type { GatewayProfile } from '../../protocol/inbound-request.js'
import type { JsonObject } from '../../protocol/json-value.js'
import { KnownTexts } from '../envoy/known-texts.js'
import { readStruct } from '../envoy/read-struct.js'
import { WireReader } from '../envoy/wire-reader.js'
import { CheckParts } from './check-parts.js'

/**
 * The parts of an `envoy.service.auth.v3.CheckRequest` (proto/envoy/service/auth/v3). Every byte is looked at: what nobody asks
 * for has to be well-formed too. undefined when the message is not, or can be read in two ways.
 */
export function decodeCheckRequest(bytes: Buffer, profile: GatewayProfile): CheckParts | undefined {
  const reader = new WireReader(bytes)
  const parts = new CheckParts(bytes, profile)
  const end = bytes.length
  let seen = 0
  while (reader.more(end)) {
    const field = reader.field(end)
    if (field === 1) {
      seen = reader.once(seen, field)
      readAttributes(reader, reader.open(end), parts)
    } else reader.skip(end)
  }
  return reader.failed && !parts.oddMetadata ? undefined : parts
}

function readAttributes(reader: WireReader, end: number, parts: CheckParts): void {
  let seen = 0
  let extensions: Map<string, string> | undefined
  while (reader.more(end)) {
    const field = reader.field(end)
    switch (field) {
      case 1:
        seen = reader.once(seen, field)
        readPeer(reader, reader.open(end), parts)
        break
      case 2:
        seen = reader.once(seen, field)
        readPeer(reader, reader.open(end), undefined)
        break
      case 4:
        seen = reader.once(seen, field)
        readRequest(reader, reader.open(end), parts)
        break
      case 10:
        extensions ??= new Map()
        readExtension(reader, reader.open(end), extensions)
        break
      case 11:
        seen = reader.once(seen, field)
        parts.filterMetadata = readMetadata(reader, reader.open(end), parts)
        break
      case 12:
        seen = reader.once(seen, field)
        readNothing(reader, reader.open(end))
        break
      case 13:
        seen = reader.once(seen, field)
        parts.routeMetadata = readMetadata(reader, reader.open(end), parts)
        break
      default:
        reader.skip(end)
    }
  }
  if (extensions !== undefined) parts.extensions = extensions
}

/** @param parts undefined for a peer of whom nothing is kept */
function readPeer(reader: WireReader, end: number, parts: CheckParts | undefined): void {
  let seen = 0
  while (reader.more(end)) {
    const field = reader.field(end)
    switch (field) {
      case 1:
        seen = reader.once(seen, field)
        readAddress(reader, reader.open(end), parts)
        break
      case 4: {
        const principal = reader.text(end)
        if (parts !== undefined) parts.principal = principal
        break
      }
      case 5: {
        const certificate = reader.text(end)
        if (parts !== undefined) parts.certificate = certificate
        break
      }
      default:
        reader.skip(end)
    }
  }
}

/** One of socket_address and pipe, which codecs that are asked for the first would take for both. */
function readAddress(reader: WireReader, end: number, parts: CheckParts | undefined): void {
  let seen = 0
  while (reader.more(end)) {
    const field = reader.field(end)
    if (field === 1 || field === 2) seen = reader.once(seen, 1)
    switch (field) {
      case 1:
        readSocketAddress(reader, reader.open(end), parts)
        break
      case 2:
        readNothing(reader, reader.open(end))
        break
      default:
        reader.skip(end)
    }
  }
}

function readSocketAddress(reader: WireReader, end: number, parts: CheckParts | undefined): void {
  while (reader.more(end)) {
    switch (reader.field(end)) {
      case 2: {
        const address = reader.text(end)
        if (parts !== undefined) parts.address = address
        break
      }
      case 3:
        reader.uint32(end)
        break
      case 4:
        reader.pass(end)
        break
      default:
        reader.skip(end)
    }
  }
}

/** A Pipe or a TLSSession: one string that nobody asks for. */
function readNothing(reader: WireReader, end: number): void {
  while (reader.more(end)) {
    if (reader.field(end) === 1) reader.pass(end)
    else reader.skip(end)
  }
}

function readRequest(reader: WireReader, end: number, parts: CheckParts): void {
  let seen = 0
  while (reader.more(end)) {
    const field = reader.field(end)
    if (field === 2) {
      seen = reader.once(seen, field)
      parts.hasHttp = true
      readHttp(reader, reader.open(end), parts)
    } else reader.skip(end)
  }
}

const knownWords = new KnownTexts(['POST', 'GET', 'DELETE', 'OPTIONS', 'https', 'http'])
const knownExtensions = new KnownTexts(['mcp-server', 'mcp-max-request-bytes'])

function readHttp(reader: WireReader, end: number, parts: CheckParts): void {
  const { headers } = parts
  let seen = 0
  while (reader.more(end)) {
    const field = reader.field(end)
    switch (field) {
      case 1:
      case 10:
        reader.pass(end)
        break
      case 2:
        parts.method = readKnown(reader, end, knownWords)
        break
      case 3:
        headers.readEntry(reader, reader.open(end))
        break
      case 4:
        parts.path = reader.text(end)
        break
      case 5:
        parts.host = reader.text(end)
        break
      case 6:
        parts.scheme = readKnown(reader, end, knownWords)
        break
      case 9:
        parts.size = reader.int64(end)
        break
      case 11:
        parts.textBody = reader.text(end)
        break
      case 12: {
        const stop = reader.open(end)
        parts.rawBody = reader.bytes.subarray(reader.at, stop)
        reader.close(stop)
        break
      }
      case 13:
        seen = reader.once(seen, field)
        headers.readMap(reader, reader.open(end))
        break
      default:
        reader.skip(end)
    }
  }
}

function readExtension(reader: WireReader, end: number, extensions: Map<string, string>): void {
  let key = ''
  let value = ''
  while (reader.more(end)) {
    switch (reader.field(end)) {
      case 1:
        key = readKnown(reader, end, knownExtensions)
        break
      case 2:
        value = reader.text(end)
        break
      default:
        reader.skip(end)
    }
  }
  extensions.set(key, value)
}

function readMetadata(reader: WireReader, end: number, parts: CheckParts): ReadonlyMap<string, JsonObject> {
  const metadata = new Map<string, JsonObject>()
  while (reader.more(end)) {
    if (reader.field(end) !== 1) {
      reader.skip(end)
      continue
    }
    const entryEnd = reader.open(end)
    let namespace = ''
    let object: JsonObject | undefined
    let seen = 0
    while (reader.more(entryEnd)) {
      const field = reader.field(entryEnd)
      if (field === 1) namespace = reader.text(entryEnd)
      else if (field === 2) {
        seen = reader.once(seen, field)
        object = readStruct(reader, reader.open(entryEnd))
        if (object === undefined) break
      } else reader.skip(entryEnd)
    }
    if (reader.failed) break
    if (object === undefined) {
      parts.oddMetadata = true
      reader.fail()
      break
    }
    metadata.set(namespace, object)
  }
  return metadata
}

function readKnown(reader: WireReader, end: number, known: KnownTexts): string {
  const stop = reader.open(end)
  const start = reader.at
  reader.close(stop)
  return known.find(reader.bytes, start, stop) ?? reader.bytes.toString('utf8', start, stop)
}
