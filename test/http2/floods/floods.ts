import { encodeInteger } from '../../../src/doors/grpc/native/hpack/encode-fields.js'
import { frame, message, requestBlock } from '../../../src/doors/grpc/native/raw-client.fixture.js'
import { dataFrame, resetStream, settingsFrame, windowUpdate } from '../fuzz/client-bytes.js'
import { request } from './flood-client.js'

/** What is sent without end, until the server ends it. */
export interface Flood {
  readonly name: string
  /** Before the flood. */
  readonly first?: Uint8Array
  make(index: number): Uint8Array
  /** How many honest requests one flooding connection may cost. Far less than what it costs where nothing stops it. */
  readonly worth: number
  /** The last word, where it is not ENHANCE_YOUR_CALM. */
  readonly code?: number
}

const odd = (index: number) => 2 * index + 1
const open = (id: number) => frame(1, 4, id, requestBlock('/flood.Test/Never'))
const waiting = (id: number) => request(id, 'x', 'Never')
const zeros = Buffer.alloc(16_384)

/** Each provokes a reset of its stream (MadeYouReset, CVE-2025-8671). */
const provoked = (name: string, what: (id: number) => Uint8Array): Flood => ({
  name: `MadeYouReset CVE-2025-8671: ${name}`,
  make: index => Buffer.concat([waiting(odd(index)), what(odd(index))]),
  worth: 4000,
})

/** A field of 4033 bytes that stays in the table: a literal with name `x`, and 4000 octets. */
const bigEntry = Buffer.concat([Buffer.of(0x40, 1, 0x78), encodeInteger(4000, 7, 0), Buffer.alloc(4000, 'a')])

export const floods: readonly Flood[] = [
  {
    name: 'rapid reset CVE-2023-44487',
    make: index => Buffer.concat([waiting(odd(index)), resetStream(odd(index))]),
    worth: 30_000,
  },
  {
    name: 'rapid reset without a message',
    make: index => Buffer.concat([open(odd(index)), resetStream(odd(index))]),
    worth: 30_000,
  },
  provoked('WINDOW_UPDATE of nothing', id => windowUpdate(id, 0)),
  provoked('a window that is too large', id => windowUpdate(id, 2 ** 31 - 1)),
  provoked('DATA behind the end', id => dataFrame(id, Buffer.of(1), false)),
  provoked('HEADERS behind the end', id => frame(1, 5, id, requestBlock())),
  provoked('PRIORITY of a wrong length', id => frame(2, 0, id, '00')),
  provoked('a dependency on itself', id =>
    frame(2, 0, id, Buffer.concat([Buffer.from([0, 0, id >>> 8, id]), Buffer.of(1)])),
  ),
  {
    name: 'MadeYouReset CVE-2025-8671: more than content-length',
    make: index =>
      Buffer.concat([
        frame(1, 4, odd(index), requestBlock('/flood.Test/Never', [['content-length', '1']])),
        dataFrame(odd(index), message('hi'), false),
      ]),
    worth: 4000,
  },
  {
    name: 'resets provoked by malformed requests CVE-2019-9514',
    make: index => frame(1, 5, odd(index), '82'),
    worth: 4000,
  },
  { name: 'SETTINGS CVE-2019-9515', make: () => settingsFrame([[4, 1000]]), worth: 4000 },
  { name: 'acknowledgements', make: () => frame(4, 1, 0), worth: 4000 },
  { name: 'PING CVE-2019-9512', make: () => frame(6, 0, 0, zeros.subarray(0, 8)), worth: 4000 },
  { name: 'empty DATA CVE-2019-9518', first: open(1), make: () => dataFrame(1, Buffer.alloc(0), false), worth: 4000 },
  { name: 'DATA of padding', first: open(1), make: () => dataFrame(1, Buffer.alloc(0), false, 0), worth: 4000 },
  { name: 'empty HEADERS', make: index => frame(1, 4, odd(index)), worth: 4000 },
  {
    name: 'fields without names CVE-2019-9516',
    make: index => frame(1, 5, odd(index), Buffer.concat([requestBlock(), Buffer.alloc(600)])),
    worth: 8000,
  },
  { name: 'PRIORITY CVE-2019-9513', make: index => frame(2, 0, odd(index % 1000), '0000000010'), worth: 4000 },
  { name: 'WINDOW_UPDATE', make: () => windowUpdate(0, 1), worth: 4000 },
  { name: 'WINDOW_UPDATE of a stream', first: open(1), make: () => windowUpdate(1, 1), worth: 4000 },
  { name: 'windows that are too large', make: () => windowUpdate(0, 2 ** 30), worth: 4000, code: 3 },
  {
    name: 'RST_STREAM of a stream that has gone',
    first: Buffer.concat([open(1), resetStream(1)]),
    make: () => resetStream(1),
    worth: 4000,
  },
  {
    name: 'CONTINUATION CVE-2024-27316',
    first: frame(1, 0, 1, requestBlock()),
    make: () => frame(9, 0, 1, zeros),
    worth: 4000,
  },
  {
    name: 'CONTINUATION of nothing',
    first: frame(1, 0, 1, requestBlock()),
    make: () => frame(9, 0, 1),
    worth: 4000,
  },
  { name: 'unknown frames', make: index => frame(0x20 + (index % 100), 0, index % 7, 'abcd'), worth: 4000 },
  { name: 'GOAWAY', make: () => frame(7, 0, 0, zeros.subarray(0, 8)), worth: 4000, code: 0 },
  {
    name: 'DATA on a stream that we have reset',
    first: Buffer.concat([open(1), windowUpdate(1, 0)]),
    make: () => dataFrame(1, Buffer.of(1), false),
    worth: 8000,
  },
  {
    name: 'large DATA on a stream that we have reset',
    first: Buffer.concat([open(1), windowUpdate(1, 0)]),
    make: () => dataFrame(1, zeros.subarray(0, 2000), false),
    worth: 8000,
  },
  {
    name: 'HPACK bomb CVE-2016-6581',
    first: frame(1, 5, 1, Buffer.concat([requestBlock(), bigEntry])),
    make: index => frame(1, 5, odd(index + 1), Buffer.concat([requestBlock(), Buffer.alloc(16_000, 0xbe)])),
    worth: 60_000,
  },
]
