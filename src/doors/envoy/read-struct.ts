import type { JsonObject, JsonValue } from '../../protocol/json-value.js'
import { jsonNumberOf, maxDepth, maxValues } from './struct-value.js'
import type { WireReader } from './wire-reader.js'

/**
 * A google.protobuf.Struct as JSON, read from the wire: what {@link structToJson} makes of the codec's objects, under the same
 * limits. A value has exactly one kind; a map entry that a later one replaces has to be well-formed too.
 * undefined for what JSON cannot be and for more than the limits; whether the bytes are protobuf at all is for the reader to
 * say.
 */
export function readStruct(reader: WireReader, end: number): JsonObject | undefined {
  return readObject(reader, end, { values: maxValues }, 0)
}

interface Budget {
  values: number
}

function readObject(reader: WireReader, end: number, budget: Budget, depth: number): JsonObject | undefined {
  const object = new Map<string, JsonValue>()
  while (reader.more(end)) {
    if (reader.field(end) !== 1) {
      reader.skip(end)
      continue
    }
    const entryEnd = reader.open(end)
    let key = ''
    let value: JsonValue | undefined
    let seen = 0
    while (reader.more(entryEnd)) {
      const field = reader.field(entryEnd)
      switch (field) {
        case 1:
          key = reader.text(entryEnd)
          break
        case 2:
          seen = reader.once(seen, field)
          value = readValue(reader, reader.open(entryEnd), budget, depth + 1)
          if (value === undefined) return undefined
          break
        default:
          reader.skip(entryEnd)
      }
    }
    if (value === undefined) return undefined
    object.set(key, value)
  }
  return object
}

function readValue(reader: WireReader, end: number, budget: Budget, depth: number): JsonValue | undefined {
  if (depth > maxDepth || --budget.values < 0) return undefined
  let value: JsonValue | undefined
  let kinds = 0
  while (reader.more(end)) {
    const field = reader.field(end)
    if (field >= 1 && field <= 6) kinds++
    switch (field) {
      case 1:
        value = reader.uint32(end) === 0 ? null : undefined
        break
      case 2:
        value = jsonNumberOf(reader.double(end))
        break
      case 3:
        value = reader.text(end)
        break
      case 4:
        value = reader.flag(end)
        break
      case 5:
        value = readObject(reader, reader.open(end), budget, depth)
        break
      case 6:
        value = readList(reader, reader.open(end), budget, depth)
        break
      default:
        reader.skip(end)
        continue
    }
    if (value === undefined) return undefined
  }
  return kinds === 1 ? value : undefined
}

function readList(reader: WireReader, end: number, budget: Budget, depth: number): JsonValue | undefined {
  const list: JsonValue[] = []
  while (reader.more(end)) {
    if (reader.field(end) !== 1) {
      reader.skip(end)
      continue
    }
    const value = readValue(reader, reader.open(end), budget, depth + 1)
    if (value === undefined) return undefined
    list.push(value)
  }
  return list
}
