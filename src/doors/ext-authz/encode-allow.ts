import { envoy } from '../../../gen/wire.js'
import type { Answer, HeaderValue, MetadataValue } from '../../decision/decision.js'
import { BackwardWriter } from './backward-writer.js'
import { callerBegin, knownCaller } from './caller-headers.js'

const { OVERWRITE_IF_EXISTS_OR_ADD } = envoy.config.core.v3.HeaderValueOption.HeaderAppendAction

/** Allows are a few kilobytes; the rare larger one is left to the generated codec. */
const writer = new BackwardWriter(64 * 1024)

/**
 * The CheckResponse of an allow, byte for byte as the generated codec writes it, at a fifth of its price: this is the
 * message that every request needs. undefined when it is too large for here. Checks nothing.
 */
export function encodeAllow(
  { setHeaders, removeHeaders, responseHeaders }: Answer & { kind: 'allow' },
  metadata: ReadonlyMap<string, MetadataValue>,
): Buffer | undefined {
  writer.start()
  const end = writer.mark
  writeStruct(metadata)
  // CheckResponse.dynamic_metadata
  writer.message(4, end)

  const okEnd = writer.mark
  writeHeaders(6, responseHeaders, 0, responseHeaders.length)
  writeRemovals(removeHeaders)
  writeSetHeaders(setHeaders)
  // CheckResponse.ok_response
  writer.message(3, okEnd)

  const statusEnd = writer.mark
  // google.rpc.Status.code: OK
  writer.small(1, 0)
  writer.message(1, statusEnd)
  return writer.finish()
}

/** Most requests remove the same list; one that cannot change is written once. */
const writtenRemovals = new WeakMap<readonly string[], Uint8Array>()
const removalWriter = new BackwardWriter(64 * 1024)

function writeRemovals(names: readonly string[]): void {
  const known = writtenRemovals.get(names)
  if (known !== undefined) {
    writer.bytes(known)
    return
  }
  if (!Object.isFrozen(names)) {
    writeNames(writer, names)
    return
  }
  removalWriter.start()
  writeNames(removalWriter, names)
  const written = removalWriter.finish()
  if (written === undefined) {
    writeNames(writer, names)
    return
  }
  writtenRemovals.set(names, written)
  writer.bytes(written)
}

function writeNames(to: BackwardWriter, names: readonly string[]): void {
  for (let i = names.length - 1; i >= 0; i--) to.text(5, names[i] ?? '')
}

/** Those about the caller are written once: they are most of what is set. */
function writeSetHeaders(headers: readonly HeaderValue[]): void {
  const begin = callerBegin(headers)
  const caller = begin < 0 ? undefined : knownCaller(headers, begin)
  if (caller === undefined) {
    writeHeaders(2, headers, 0, headers.length)
    return
  }
  const end = begin + caller.headers.length
  writeHeaders(2, headers, end, headers.length)
  if (caller.written === undefined) {
    const mark = writer.mark
    writeHeaders(2, headers, begin, end)
    caller.written = writer.since(mark)
  } else writer.bytes(caller.written)
  writeHeaders(2, headers, 0, begin)
}

/** HeaderValueOption: header { key, value }, append { false }, append_action. */
function writeHeaders(field: number, headers: readonly HeaderValue[], from: number, to: number): void {
  for (let i = to - 1; i >= from; i--) {
    const header = headers[i]
    if (header === undefined) continue
    const end = writer.mark
    writer.small(3, OVERWRITE_IF_EXISTS_OR_ADD)
    const appendEnd = writer.mark
    writer.small(1, 0)
    writer.message(2, appendEnd)
    const headerEnd = writer.mark
    writer.text(2, header.value)
    writer.text(1, header.name)
    writer.message(1, headerEnd)
    writer.message(field, end)
  }
}

/** The members of the metadata that is written: a map cannot be read from its end. */
const keys: string[] = []
const values: MetadataValue[] = []

/** google.protobuf.Struct: a map entry { key, value } for each member. */
function writeStruct(metadata: ReadonlyMap<string, MetadataValue>): void {
  // Whatever became of the message before: nothing of it may get into this one. To set a length takes time where it is 0, too.
  if (keys.length > 0) keys.length = 0
  if (values.length > 0) values.length = 0
  for (const [key, value] of metadata) {
    keys.push(key)
    values.push(value)
  }
  while (keys.length > 0) {
    const key = keys.pop() ?? ''
    const value = values.pop() ?? ''
    const end = writer.mark
    writeValue(2, value)
    writer.text(1, key)
    writer.message(1, end)
  }
}

/** google.protobuf.Value: number 2, string 3, bool 4, list 6. */
function writeValue(field: number, value: MetadataValue): void {
  const end = writer.mark
  switch (typeof value) {
    case 'string':
      writer.text(3, value)
      break
    case 'boolean':
      writer.small(4, value ? 1 : 0)
      break
    case 'number':
      writer.double(2, value)
      break
    case 'object': {
      for (let i = value.length - 1; i >= 0; i--) writeValue(1, value[i] ?? '')
      writer.message(6, end)
      break
    }
  }
  writer.message(field, end)
}
