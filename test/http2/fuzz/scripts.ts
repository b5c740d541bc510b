import { preface } from '../../../src/doors/grpc/native/http2-codes.js'
import { frame } from '../../../src/doors/grpc/native/raw-client.fixture.js'
import { mutateBytes } from '../../fuzz/mutate-bytes.js'
import type { Random } from '../../fuzz/random.js'
import { cutBody, dataFrame, headersFrames, resetStream, settingsFrame, uint32, windowUpdate } from './client-bytes.js'
import { RandomHpackEncoder } from './hpack-encoder.js'
import { randomRequest } from './requests.js'

/** What one sends on a connection without listening: the preface, and frames. */
export type Script = readonly Buffer[]

const hello: Script = [preface, frame(4, 0, 0), frame(4, 1, 0)]

/** A session that is right, so small that no window matters. */
export function randomScript(random: Random): Buffer[] {
  const hpack = new RandomHpackEncoder(random)
  const script: Buffer[] = [...hello]
  const open: Buffer[][] = []
  let id = 1
  for (let left = 1 + random.int(6); left > 0 || open.length > 0; ) {
    if (left > 0 && (open.length === 0 || random.chance(0.5))) {
      left--
      const { body, fields, trailers } = randomRequest(random, 600)
      script.push(...headersFrames(id, hpack.encode(fields), false, random))
      const on = id
      const frames = cutBody(body, random).map(piece => dataFrame(on, piece, false, random.chance(0.1) ? 3 : -1))
      // Blocks must be made in the order in which they are sent: trailers are plain ones.
      if (trailers === undefined) frames.push(dataFrame(id, Buffer.alloc(0), true))
      else frames.push(frame(1, 5, id, Buffer.from('000178017a', 'hex')))
      open.push(frames)
      id += 2
      continue
    }
    const frames = random.pick(open)
    const next = frames.shift()
    if (next !== undefined) script.push(next)
    if (frames.length === 0) open.splice(open.indexOf(frames), 1)
    if (random.chance(0.05)) script.push(anyFrame(random, id))
  }
  return script
}

/** A frame by itself: right in its form mostly, and perhaps out of place. */
export function anyFrame(random: Random, nextId: number): Buffer {
  const id = random.chance(0.9) ? 1 + 2 * random.int((nextId + 1) / 2) : random.int(20)
  switch (random.int(9)) {
    case 0:
      return settingsFrame([[random.int(8), random.pick([0, 1, 100, 16_384, 65_535, 2 ** 31 - 1, 2 ** 31])]])
    case 1:
      return frame(6, random.int(2), 0, Buffer.alloc(8, random.int(256)))
    case 2:
      return windowUpdate(random.chance(0.5) ? 0 : id, random.pick([0, 1, 1000, 2 ** 31 - 1]))
    case 3:
      return resetStream(id, random.int(14))
    case 4:
      return frame(2, 0, id, Buffer.concat([uint32(random.int(20)), Buffer.of(1)]))
    case 5:
      return dataFrame(id, Buffer.alloc(random.int(40)), random.chance(0.3), random.chance(0.2) ? random.int(10) : -1)
    case 6:
      return frame(1, random.pick([4, 5, 0, 1]), id, Buffer.from('828684', 'hex'))
    case 7:
      return frame(9, random.pick([0, 4]), id, Buffer.from('8286', 'hex'))
    default:
      return frame(random.int(16), random.int(64), id, Buffer.alloc(random.int(20), random.int(256)))
  }
}

/** What is done to a script; the names tell what happened. */
export function mutateScript(script: Buffer[], random: Random): string[] {
  const done: string[] = []
  for (let left = 1 + random.few(4); left > 0; left--) {
    // The preface seldom: nothing comes of it.
    const at = random.chance(0.03) ? random.int(3) : 3 + random.int(Math.max(1, script.length - 3))
    const before = script[at]
    if (before === undefined || before.length < 9) continue
    const changed = Buffer.from(before)
    const kind = random.int(14)
    switch (kind) {
      case 0:
        changed[random.int(changed.length)] = (changed[random.int(changed.length)] ?? 0) ^ (1 << random.int(8))
        done.push('bit')
        break
      case 1:
        changed.writeUIntBE(random.chance(0.5) ? random.int(2 ** 24) : random.int(20), 0, 3)
        done.push('length')
        break
      case 2:
        changed[3] = random.int(random.chance(0.9) ? 11 : 256)
        done.push('type')
        break
      case 3:
        changed[4] = (changed[4] ?? 0) ^ (1 << random.int(8))
        done.push('flags')
        break
      case 4:
        changed.writeUInt32BE(random.chance(0.8) ? random.int(16) : random.int(2 ** 32), 5)
        done.push('id')
        break
      case 5:
        script.splice(at, 1)
        done.push('lost')
        continue
      case 6:
        script.splice(at, 0, before)
        done.push('twice')
        continue
      case 7: {
        const other = 3 + random.int(Math.max(1, script.length - 3))
        const swapped = script[other]
        if (swapped !== undefined) {
          script[other] = before
          script[at] = swapped
        }
        done.push('order')
        continue
      }
      case 8: {
        const length = 9 + random.int(before.length - 8)
        const cut = Buffer.from(before.subarray(0, length))
        if (random.chance(0.7)) cut.writeUIntBE(length - 9, 0, 3)
        script[at] = cut
        done.push('cut')
        continue
      }
      case 9:
      case 10:
      case 11: {
        const payload = mutateBytes(before.subarray(9), random)
        script[at] = frame(
          before[3] ?? 0,
          before[4] ?? 0,
          before.readUInt32BE(5) % 2 ** 31,
          payload.subarray(0, 16_384),
        )
        done.push(before[3] === 1 || before[3] === 9 ? 'block' : 'payload')
        continue
      }
      case 12:
        script.splice(at, 0, anyFrame(random, 13))
        done.push('more')
        continue
      default:
        script.splice(at, 0, ...randomScript(random).slice(3, 3 + random.int(6)))
        done.push('spliced')
        continue
    }
    script[at] = changed
  }
  return done
}

export function describeScript(script: Script): string {
  return script.map(bytes => bytes.toString('hex')).join('\n')
}
