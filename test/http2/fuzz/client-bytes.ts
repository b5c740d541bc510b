import { defaultFrameBytes, flags, frameTypes } from '../../../src/doors/grpc/native/http2-codes.js'
import { frame } from '../../../src/doors/grpc/native/raw-client.fixture.js'
import type { Random } from '../../fuzz/random.js'

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export function settingsFrame(pairs: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.concat(pairs.map(([id, value]) => Buffer.concat([Buffer.of(id >>> 8, id), uint32(value)])))
  return frame(frameTypes.settings, 0, 0, payload)
}

export const windowUpdate = (id: number, increment: number) => frame(frameTypes.windowUpdate, 0, id, uint32(increment))

export const resetStream = (id: number, code = 8) => frame(frameTypes.resetStream, 0, id, uint32(code))

/** A header block as HEADERS and CONTINUATION: cut anywhere, with padding or a priority or neither. */
export function headersFrames(id: number, block: Buffer, endStream: boolean, random: Random): Buffer[] {
  const cuts = [0, block.length]
  for (let more = random.chance(0.2) ? random.int(5) : 0; more > 0; more--) cuts.push(random.int(block.length + 1))
  for (let at = 15_000; at < block.length; at += 15_000) cuts.push(at)
  cuts.sort((a, b) => a - b)
  return cuts.slice(1).map((end, index) => {
    const piece = block.subarray(cuts[index], end)
    const endHeaders = index === cuts.length - 2 ? flags.endHeaders : 0
    if (index > 0) return frame(frameTypes.continuation, endHeaders, id, piece)
    const end1 = endHeaders | (endStream ? flags.endStream : 0)
    const padding = random.chance(0.1) ? random.int(256) : -1
    const priority = random.chance(0.1)
    const parts = [
      ...(padding >= 0 ? [Buffer.of(padding)] : []),
      ...(priority ? [uint32(random.chance(0.5) ? 0 : id + 2), Buffer.of(random.int(256))] : []),
      piece,
      ...(padding > 0 ? [Buffer.alloc(padding)] : []),
    ]
    const flag = end1 | (padding >= 0 ? flags.padded : 0) | (priority ? flags.priority : 0)
    return frame(frameTypes.headers, flag, id, Buffer.concat(parts))
  })
}

/** Where a body is cut into frames. Few of them are empty: those are counted. */
export function cutBody(body: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = []
  const style = random.int(4)
  for (let at = 0; at < body.length; ) {
    const left = body.length - at
    const most = Math.min(left, defaultFrameBytes - 256)
    const least = Math.ceil(body.length / 200)
    const size = style === 0 ? most : style === 1 ? Math.min(most, least + random.int(8)) : 1 + random.int(most)
    const taken = Math.min(most, Math.max(size, least))
    pieces.push(body.subarray(at, at + taken))
    at += taken
  }
  if (random.chance(0.05)) pieces.splice(random.int(pieces.length + 1), 0, Buffer.alloc(0))
  return pieces
}

export function dataFrame(id: number, data: Uint8Array, endStream: boolean, padding = -1): Buffer {
  const end = endStream ? flags.endStream : 0
  if (padding < 0) return frame(frameTypes.data, end, id, data)
  return frame(
    frameTypes.data,
    end | flags.padded,
    id,
    Buffer.concat([Buffer.of(padding), data, Buffer.alloc(padding)]),
  )
}
