import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameReader, type FrameSink } from './frame-reader.js'
import { preface } from './http2-codes.js'
import { defaultLimits } from './limits.js'
import { MessageReader } from './message-reader.js'
import { frame, message, requestBlock } from './raw-client.fixture.js'

/** Writes down what it hears; pieces of DATA as one. */
class Listener implements FrameSink {
  readonly heard: string[] = []
  #data = ''

  onHeaders(id: number, endStream: boolean, self: boolean, block: Buffer, start: number, end: number): void {
    this.heard.push(`headers ${id} ${endStream} ${self} ${block.toString('hex', start, end)}`)
  }
  onDataStart(id: number, length: number, endStream: boolean): void {
    this.heard.push(`data ${id} ${length} ${endStream}`)
    this.#data = ''
  }
  onData(bytes: Buffer, start: number, end: number): void {
    this.#data += bytes.toString('hex', start, end)
  }
  onDataEnd(endStream: boolean): void {
    this.heard.push(`end ${endStream} ${this.#data}`)
  }
  onPriority(id: number, self: boolean): void {
    this.heard.push(`priority ${id} ${self}`)
  }
  onReset(id: number): void {
    this.heard.push(`reset ${id}`)
  }
  onSettings(ack: boolean, payload: Buffer, start: number, end: number): void {
    this.heard.push(`settings ${ack} ${payload.toString('hex', start, end)}`)
  }
  onPing(ack: boolean, payload: Buffer, start: number): void {
    this.heard.push(`ping ${ack} ${payload.toString('hex', start, start + 8)}`)
  }
  onGoAway(): void {
    this.heard.push('goaway')
  }
  onWindowUpdate(id: number, increment: number): void {
    this.heard.push(`update ${id} ${increment}`)
  }
  onUnknown(): void {
    this.heard.push('unknown')
  }
  onBroken(code: number, what: string): void {
    this.heard.push(`broken ${code} ${what}`)
  }
  onStreamBroken(id: number, code: number): void {
    this.heard.push(`stream broken ${id} ${code}`)
  }
}

function listen(chunks: Iterable<Buffer>): string[] {
  const listener = new Listener()
  const reader = new FrameReader(listener, defaultLimits)
  for (const chunk of chunks) reader.read(chunk)
  return listener.heard
}

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map(place => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...places, bytes.length].map((place, i) => bytes.subarray(places[i - 1] ?? 0, place))
}

const block = requestBlock()
const conversation = Buffer.concat([
  preface,
  frame(4, 0, 0, '000400001000'),
  frame(1, 0x2c, 1, Buffer.concat([Buffer.from('03 0000000710'.replaceAll(' ', ''), 'hex'), block, Buffer.alloc(3)])),
  frame(0, 8, 1, Buffer.concat([Buffer.of(4), Buffer.from('padded'), Buffer.alloc(4)])),
  frame(0, 0, 1, ''),
  frame(0, 8, 1, Buffer.of(0)),
  frame(1, 1, 3, block.subarray(0, 9)),
  frame(9, 0, 3, ''),
  frame(9, 4, 3, block.subarray(9)),
  frame(2, 0, 5, '0000000510'),
  frame(6, 0, 0, '0102030405060708'),
  frame(0x77, 0xff, 3, 'abcdef'),
  frame(8, 0, 1, '800000ff'),
  frame(3, 0, 3, '00000008'),
  frame(0, 1, 1, Buffer.alloc(300, 7)),
  frame(7, 0, 0, '000000000000000061'),
])

describe('frames', () => {
  it('are the same, wherever the bytes are cut', () => {
    const whole = listen([conversation])
    expect(whole.map(line => line.split(' ')[0])).toEqual(
      'settings headers data end data end data end headers priority ping unknown update reset data end goaway'.split(
        ' ',
      ),
    )
    for (let at = 0; at <= conversation.length; at++) {
      expect(listen([conversation.subarray(0, at), conversation.subarray(at)])).toEqual(whole)
    }
    expect(listen([...conversation].map(octet => Buffer.of(octet)))).toEqual(whole)
  })

  it('are the same, right or wrong, however the bytes are cut', () => {
    const anyFrame = fc
      .tuple(
        fc.integer({ min: 0, max: 10 }),
        fc.integer({ min: 0, max: 63 }),
        fc.integer({ min: 0, max: 5 }),
        fc.uint8Array({ maxLength: 40 }),
      )
      .map(([type, flags, id, payload]) => frame(type, flags, id, payload))
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 12 }), fc.array(fc.nat(2000), { maxLength: 12 }), (frames, cuts) => {
        const bytes = Buffer.concat([preface, ...frames])
        const pieces = listen(cut(bytes, cuts))
        const whole = listen([bytes])
        // A frame that breaks off may have been told of in part.
        expect(pieces).toEqual(whole)
      }),
      { numRuns: 500 },
    )
  })
})

describe('messages', () => {
  it('are the same, however the bytes are cut', () => {
    const texts = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 6 })
    fc.assert(
      fc.property(texts, fc.array(fc.nat(400), { maxLength: 10 }), (messages, cuts) => {
        const bytes = Buffer.concat(messages.map(message))
        const reader = new MessageReader(1000, () => true)
        const got: Buffer[] = []
        for (const piece of cut(bytes, cuts)) {
          let at = 0
          while (at < piece.length) {
            at = reader.read(piece, at, piece.length)
            const taken = reader.take()
            if (taken !== undefined) got.push(taken)
          }
        }
        expect(got).toEqual(messages.map(text => Buffer.from(text)))
        expect([reader.begun, reader.missing]).toEqual([false, 0])
      }),
    )
  })

  it('take room as they come, not as they are announced', () => {
    let held = 0
    const reader = new MessageReader(100_000_000, bytes => {
      held += bytes
      return true
    })
    const start = message(Buffer.alloc(0))
    start.writeUInt32BE(50_000_000, 1)
    reader.read(start, 0, 5)
    expect([held, reader.missing]).toEqual([0, 50_000_000])
    reader.read(Buffer.alloc(1000), 0, 1000)
    expect(held).toBeLessThan(300_000)
  })

  it.each([
    ['compressed', '01 00000000', 'compressed'],
    ['with other flags', '02 00000000', 'flags'],
    ['too large', '00 000003e9', 'tooLarge'],
  ])('are refused: %s', (_name, head, problem) => {
    const reader = new MessageReader(1000, () => true)
    reader.read(Buffer.from(head.replaceAll(' ', ''), 'hex'), 0, 5)
    expect(reader.problem).toBe(problem)
  })

  it('are refused where too much is held', () => {
    const reader = new MessageReader(1000, () => false)
    reader.read(message('abc'), 0, 8)
    expect(reader.problem).toBe('tooMuchHeld')
  })
})
