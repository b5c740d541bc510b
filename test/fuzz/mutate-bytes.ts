import { byteStrings } from './dictionary.js'
import type { Random } from './random.js'

/** One change somewhere: flip, insert, remove, repeat, cut, overwrite, or a piece that is known to matter. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.int(bytes.length + 1)
  const length = Math.min(bytes.length - at, 1 + random.few(6) * (1 + random.int(4)))
  const before = bytes.subarray(0, at)
  const part = bytes.subarray(at, at + length)
  const after = bytes.subarray(at + length)
  switch (random.int(9)) {
    case 0:
      return join(before, Uint8Array.of((part[0] ?? 0) ^ (1 << random.int(8))), bytes.subarray(at + 1))
    case 1:
      return join(before, Uint8Array.of(random.int(256)), bytes.subarray(at))
    case 2:
      return join(before, after)
    case 3:
      return join(before, part, part, after)
    case 4:
      return before.length > 0 ? before.slice() : bytes
    case 5:
      return join(before, Uint8Array.of(random.int(256)), bytes.subarray(at + 1))
    case 6:
      return join(before, Uint8Array.from(random.pick(byteStrings)), bytes.subarray(at))
    case 7: {
      const from = random.int(bytes.length + 1)
      return join(before, bytes.subarray(from, from + 1 + random.int(24)), bytes.subarray(at))
    }
    default:
      return random.chance(0.5)
        ? join(Uint8Array.from(random.pick(byteStrings)), bytes)
        : join(bytes, Uint8Array.from(random.pick(byteStrings)))
  }
}

export function mutateText(text: string, random: Random, pieces: readonly string[]): string {
  const at = random.int(text.length + 1)
  const end = Math.min(text.length, at + 1 + random.few(5))
  switch (random.int(6)) {
    case 0:
      return text.slice(0, at) + random.pick(pieces) + text.slice(at)
    case 1:
      return text.slice(0, at) + random.pick(pieces) + text.slice(end)
    case 2:
      return text.slice(0, at) + text.slice(end)
    case 3:
      return text.slice(0, end) + text.slice(at)
    case 4:
      return (
        text.slice(0, at) +
        String.fromCharCode(random.chance(0.9) ? random.int(256) : random.int(65536)) +
        text.slice(end)
      )
    default:
      return text.slice(0, at) + swapCase(text.slice(at, end)) + text.slice(end)
  }
}

function swapCase(text: string): string {
  const lower = text.toLowerCase()
  return lower === text ? text.toUpperCase() : lower
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts)
}
