import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeHuffman } from './decode-huffman.js'
import { encodeFields, encodeInteger } from './encode-fields.js'
import type { HeaderField } from './header-field.js'
import { HpackDecoder } from './hpack-decoder.js'
import { huffmanCodes } from './huffman-lengths.js'

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')

function decode(decoder: HpackDecoder, block: Buffer, limit = 65536) {
  const fields: HeaderField[] = []
  const outcome = decoder.decode(block, 0, block.length, fields, limit)
  return { outcome, fields: fields.map(({ name, value }) => `${name}: ${value}`) }
}

/** Ones behind the codes, up to a whole octet. */
function huffman(text: Uint8Array): Buffer {
  const codes = new Map(huffmanCodes().map(({ symbol, code, bits }) => [symbol, code.toString(2).padStart(bits, '0')]))
  const bits = [...text].map(octet => codes.get(octet) ?? '').join('')
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1')
  return Buffer.from(padded.match(/.{8}/g)?.map(octet => Number.parseInt(octet, 2)) ?? [])
}

function unhuffman(coded: Uint8Array): Buffer | undefined {
  const target = Buffer.alloc(Math.ceil((coded.length * 8) / 5))
  const length = decodeHuffman(coded, 0, coded.length, target)
  return length < 0 ? undefined : target.subarray(0, length)
}

describe('RFC 7541, Appendix C', () => {
  // C.2: one field each.
  it.each([
    [
      'C.2.1 literal with indexing',
      '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572',
      'custom-key: custom-header',
    ],
    ['C.2.2 literal without indexing', '040c 2f73 616d 706c 652f 7061 7468', ':path: /sample/path'],
    ['C.2.3 literal never indexed', '1008 7061 7373 776f 7264 0673 6563 7265 74', 'password: secret'],
    ['C.2.4 indexed', '82', ':method: GET'],
  ])('%s', (_name, block, field) => {
    expect(decode(new HpackDecoder(), bytes(block))).toEqual({ outcome: 'ok', fields: [field] })
  })

  const first = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com']
  const requests = [
    first,
    [...first, 'cache-control: no-cache'],
    [':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com', 'custom-key: custom-value'],
  ]
  it.each([
    [
      'C.3 requests without Huffman',
      [
        '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '8286 84be 5808 6e6f 2d63 6163 6865',
        '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
      ],
    ],
    [
      'C.4 requests with Huffman',
      [
        '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
        '8286 84be 5886 a8eb 1064 9cbf',
        '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
      ],
    ],
  ])('%s', (_name, blocks) => {
    const decoder = new HpackDecoder()
    expect(blocks.map(block => decode(decoder, bytes(block)).fields)).toEqual(requests)
  })

  const date = 'date: Mon, 21 Oct 2013 20:13:21 GMT'
  const location = 'location: https://www.example.com'
  const cookie = 'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'
  const responses = [
    [':status: 302', 'cache-control: private', date, location],
    [':status: 307', 'cache-control: private', date, location],
    [
      ':status: 200',
      'cache-control: private',
      'date: Mon, 21 Oct 2013 20:13:22 GMT',
      location,
      'content-encoding: gzip',
      cookie,
    ],
  ]
  it.each([
    [
      'C.5 responses without Huffman, in a table of 256 bytes',
      [
        '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '4803 3330 37c1 c0bf',
        '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31',
      ],
    ],
    [
      'C.6 responses with Huffman, in a table of 256 bytes',
      [
        '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
        '4883 640e ffc1 c0bf',
        '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
      ],
    ],
  ])('%s', (_name, blocks) => {
    const decoder = new HpackDecoder()
    // The examples assume a table that small from the start.
    expect(decode(decoder, encodeInteger(256, 5, 0x20)).outcome).toBe('ok')
    expect(blocks.map(block => decode(decoder, bytes(block)).fields)).toEqual(responses)
  })
})

describe('Huffman', () => {
  it('reads what is written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), text => {
        expect(unhuffman(huffman(text))).toEqual(Buffer.from(text))
      }),
    )
  })

  it.each([
    ['eight bits of padding', 'ff'],
    ['padding behind a character that is longer than seven bits', '1fff'],
    ['padding that is not all ones', '1e'],
    ['EOS', 'ffffffff'],
    ['EOS behind a character', '1fffffffff'],
  ])('refuses %s', (_name, coded) => {
    expect(unhuffman(bytes(coded))).toBeUndefined()
  })
})

describe('blocks that cannot be read', () => {
  it.each([
    ['index 0', '80'],
    ['an index beyond both tables', 'be'],
    ['a name beyond both tables', '7e 01 61'],
    ['an integer that does not end', 'ff ff'],
    ['an integer without end', 'ff ff ff ff ff ff ff ff ff ff 01'],
    ['an integer that overflows', 'ff 80 80 80 80 80 01'],
    ['a string that is longer than its block', '00 05 61'],
    ['no value', '00 01 61'],
    ['Huffman with a long padding', '00 82 1f ff 01 61'],
    ['a table that is larger than allowed', '3f e2 1f'],
    ['a change of size behind a field', '82 20'],
  ])('%s', (_name, block) => {
    expect(decode(new HpackDecoder(), bytes(block)).outcome).toBe('broken')
  })

  it('whatever bytes come, nothing is thrown', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), blocks => {
        const decoder = new HpackDecoder()
        for (const block of blocks) decode(decoder, Buffer.from(block), 500)
      }),
      { numRuns: 500 },
    )
  })
})

describe('limits', () => {
  const large = (name: string, size: number) =>
    Buffer.concat([
      bytes('40'),
      encodeInteger(name.length, 7, 0),
      Buffer.from(name),
      encodeInteger(size, 7, 0),
      Buffer.alloc(size, 97),
    ])

  it('a list that is too long is cut, and the table goes on', () => {
    const decoder = new HpackDecoder()
    const first = decode(decoder, Buffer.concat([large('a', 100), large('b', 100)]), 150)
    expect([first.outcome, first.fields.length]).toEqual(['tooLarge', 1])
    expect(decode(decoder, bytes('be')).fields[0]).toMatch(/^b: a+$/)
  })

  it('a bomb of references costs no memory', () => {
    const decoder = new HpackDecoder()
    decode(decoder, large('a', 3000))
    const bomb = decode(decoder, Buffer.alloc(100_000, 0xbe))
    expect([bomb.outcome, bomb.fields.length]).toEqual(['tooLarge', Math.floor(65536 / 3033)])
  })

  it('a field that is larger than the table empties it', () => {
    const decoder = new HpackDecoder()
    decode(decoder, large('a', 10))
    expect(decode(decoder, bytes('be')).outcome).toBe('ok')
    decode(decoder, large('b', 5000))
    expect(decode(decoder, bytes('be')).outcome).toBe('broken')
  })

  it('a table of nothing has nothing', () => {
    const decoder = new HpackDecoder()
    decode(decoder, large('a', 10))
    expect(decode(decoder, bytes('20 82')).outcome).toBe('ok')
    expect(decode(decoder, bytes('be')).outcome).toBe('broken')
  })

  it('the oldest entries go first, round and round', () => {
    const decoder = new HpackDecoder()
    for (let i = 0; i < 1000; i++) {
      decode(decoder, large(`n${i}`, i % 300))
      expect(decode(decoder, bytes('be')).fields[0]?.split(':')[0]).toBe(`n${i}`)
    }
  })
})

describe('what we encode', () => {
  it('is read as it was', () => {
    const name = fc.string({ minLength: 1, maxLength: 200, unit: fc.constantFrom(...'abc-') })
    const value = fc.string({ maxLength: 300, unit: fc.constantFrom(...'abc ,;=%') })
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.oneof(name, fc.constantFrom(':status', 'content-type')), value)), fields => {
        const decoded = decode(new HpackDecoder(), encodeFields(fields), 1e6)
        expect(decoded).toEqual({ outcome: 'ok', fields: fields.map(([key, text]) => `${key}: ${text}`) })
      }),
    )
  })

  it('uses the static table', () => {
    expect(encodeFields([[':status', '200']])).toEqual(bytes('88'))
    expect(encodeFields([['content-type', 'a']])).toEqual(bytes('0f 10 01 61'))
  })
})
