import { errorCodes, preface } from '../../../../src/doors/grpc/native/http2-codes.js'
import { frame, message, requestBlock } from '../../../../src/doors/grpc/native/raw-client.fixture.js'
import { Random } from '../../../fuzz/random.js'
import { type Attempt, type Judged, ok, type Track, wrong } from '../attempt.js'
import { dataFrame, resetStream, settingsFrame, uint32, windowUpdate } from '../client-bytes.js'
import { paths } from '../echo-service.js'
import { frameDifferences } from '../frame-differences.js'
import { type NodeServer, startNodeServer } from '../node-server.js'
import { Peer, sendInPieces } from '../peer.js'
import type { Stand } from '../stand.js'

/** What came of one frame that is out of place. */
export type FrameOutcome = 'accepted' | 'stream error' | 'connection error'

const lastPing = '0011223344556677'
/** The stream that it is about, and another one that shows that the connection goes on. */
const id = 5
const nextId = 9

const open = frame(1, 4, id, requestBlock(paths.unary))
/** Nothing of an answer can be sent. */
const noWindow = settingsFrame([[4, 0]])

/** What the stream has been through when the frame comes. */
const states: Readonly<Record<string, readonly Buffer[]>> = {
  idle: [],
  open: [open],
  'in a message': [open, dataFrame(id, message('hello').subarray(0, 7), false)],
  'half-closed': [noWindow, open, dataFrame(id, message('hello'), true)],
  'reset by the client': [open, resetStream(id)],
  ended: [frame(1, 5, id, requestBlock('/fuzz.Echo/None'))],
}

const zeros = (length: number) => Buffer.alloc(length)
const block = requestBlock(paths.unary)

/** Frames right and wrong, of every type. */
export const deviations: Readonly<Record<string, Buffer>> = {
  'DATA of nothing': dataFrame(id, zeros(0), false),
  DATA: dataFrame(id, zeros(3), false),
  'DATA that ends': dataFrame(id, zeros(5), true),
  'DATA with padding': dataFrame(id, zeros(3), false, 4),
  'DATA with too much padding': frame(0, 8, id, '05 00000000'),
  'DATA with padding of nothing': frame(0, 8, id),
  'DATA without a stream': frame(0, 0, 0, '00'),
  'DATA on an even stream': frame(0, 0, 4, '00'),
  'DATA that is too long': frame(0, 0, id, zeros(16_385)),
  'HEADERS that end': frame(1, 5, id, block),
  'HEADERS that do not end': frame(1, 4, id, block),
  'trailers that end': frame(1, 5, id, '000178017a'),
  'trailers that do not end': frame(1, 4, id, '000178017a'),
  'HEADERS of nothing': frame(1, 5, id),
  'HEADERS that cannot be read': frame(1, 5, id, 'ff'),
  'HEADERS without a stream': frame(1, 5, 0, block),
  'HEADERS on an even stream': frame(1, 5, 6, block),
  'HEADERS on an older stream': frame(1, 5, 3, block),
  'HEADERS with too much padding': frame(1, 0xd, id, 'ff 82'),
  'HEADERS with half a priority': frame(1, 0x25, id, '0000'),
  'HEADERS that depend on themselves': frame(1, 0x25, id, Buffer.concat([uint32(id), Buffer.of(1), block])),
  'PRIORITY of another': frame(2, 0, id, '0000000301'),
  'PRIORITY of itself': frame(2, 0, id, '0000000501'),
  'PRIORITY of a wrong length': frame(2, 0, id, '00000003'),
  'PRIORITY without a stream': frame(2, 0, 0, '0000000301'),
  RST_STREAM: resetStream(id),
  'RST_STREAM of a code that nobody knows': resetStream(id, 0xabcdef),
  'RST_STREAM of a wrong length': frame(3, 0, id, '000000'),
  'RST_STREAM without a stream': resetStream(0),
  'RST_STREAM on an even stream': resetStream(4),
  'SETTINGS of nothing': frame(4, 0, 0),
  'SETTINGS on a stream': frame(4, 0, id),
  'SETTINGS of a wrong length': frame(4, 0, 0, '000100'),
  'SETTINGS acknowledged with something': frame(4, 1, 0, '000100000000'),
  'SETTINGS acknowledged once too often': frame(4, 1, 0),
  'ENABLE_PUSH of 2': settingsFrame([[2, 2]]),
  'INITIAL_WINDOW_SIZE that is too large': settingsFrame([[4, 2 ** 31]]),
  'MAX_FRAME_SIZE that is too small': settingsFrame([[5, 100]]),
  'MAX_FRAME_SIZE that is too large': settingsFrame([[5, 2 ** 24]]),
  'a setting that nobody knows': settingsFrame([[0xabcd, 1]]),
  PUSH_PROMISE: frame(5, 4, id, '00000002 82'),
  PING: frame(6, 0, 0, zeros(8)),
  'PING that was not asked for': frame(6, 1, 0, zeros(8)),
  'PING of a wrong length': frame(6, 0, 0, zeros(7)),
  'PING on a stream': frame(6, 0, id, zeros(8)),
  'GOAWAY that is too short': frame(7, 0, 0, zeros(7)),
  'GOAWAY on a stream': frame(7, 0, id, zeros(8)),
  WINDOW_UPDATE: windowUpdate(id, 1),
  'WINDOW_UPDATE of nothing': windowUpdate(id, 0),
  'WINDOW_UPDATE that is too much': windowUpdate(id, 2 ** 31 - 1),
  'WINDOW_UPDATE of nothing for all': windowUpdate(0, 0),
  'WINDOW_UPDATE that is too much for all': windowUpdate(0, 2 ** 31 - 1),
  'WINDOW_UPDATE of a wrong length': frame(8, 0, id, '000001'),
  'WINDOW_UPDATE on an even stream': windowUpdate(4, 1),
  'CONTINUATION of nothing': frame(9, 4, id, block),
  'an unknown frame': frame(0x42, 0xff, id, zeros(9)),
  'an unknown frame that is too long': frame(0x42, 0, 0, zeros(16_385)),
  'an interrupted block': Buffer.concat([frame(1, 1, 7, block), frame(6, 0, 0, zeros(8))]),
  'a block in pieces': Buffer.concat([
    frame(1, 1, 7, block.subarray(0, 2)),
    frame(9, 0, 7),
    frame(9, 4, 7, block.subarray(2)),
  ]),
  'a block for another stream': Buffer.concat([frame(1, 1, 7, block), frame(9, 4, 11)]),
}

/** Each frame in each state, to ours and to node:http2 (nghttp2): what comes of it is of one class, or the table says why not. */
export async function framesTrack(stand: Stand): Promise<Track> {
  const node = await startNodeServer((fields, body) =>
    fields.get(':path') === paths.unary
      ? { head: { ':status': '200' }, body }
      : { head: { ':status': '200', 'grpc-status': '12' }, body: Buffer.alloc(0) },
  )
  return {
    name: 'frames',
    weight: 2,
    foreign: true,
    generate: random =>
      attempt(stand, node, random.pick(Object.keys(states)), random.pick(Object.keys(deviations)), random.int(2 ** 31)),
    close: () => node.close(),
  }
}

function attempt(stand: Stand, node: NodeServer, state: string, deviation: string, schedule: number): Attempt {
  return {
    judge: () => judge(stand, node, state, deviation, schedule),
    smaller: () => [],
    describe: () =>
      `${state}: ${deviation}\n${Buffer.concat([...(states[state] ?? []), deviations[deviation] ?? Buffer.alloc(0)]).toString('hex')}`,
  }
}

async function judge(
  stand: Stand,
  node: NodeServer,
  state: string,
  deviation: string,
  schedule: number,
): Promise<Judged> {
  const said = [...(states[state] ?? []), deviations[deviation] ?? Buffer.alloc(0)]
  const ours = await tryOut(new Peer(stand.address, false), said, schedule)
  const theirs = await tryOut(new Peer(node.address, false), said, schedule)
  if (ours.problem !== undefined) return wrong('rules', ours.problem)
  if (ours.outcome === theirs.outcome) return ok(ours.outcome)
  const known = frameDifferences.some(
    difference =>
      difference.deviations.includes(deviation) &&
      difference.states.includes(state) &&
      difference.ours === ours.outcome &&
      difference.node === theirs.outcome,
  )
  if (known) return ok('a known difference')
  return wrong(
    'frames',
    `${deviation}, ${state}: ours ${ours.outcome} ${ours.code}, node ${theirs.outcome} ${theirs.code}`,
  )
}

async function tryOut(peer: Peer, said: readonly Buffer[], schedule: number) {
  const { socket } = peer
  const hello = [preface, frame(4, 0, 0), frame(4, 1, 0)]
  const random = new Random(schedule, 4)
  await sendInPieces(peer, Buffer.concat([...hello, ...said.slice(0, -1)]), random)
  // So that the stream is where it should be.
  socket.write(frame(6, 0, 0, '7766554433221100'))
  await peer.until(() => peer.pings.includes('7766554433221100'))
  const ended = [...peer.streams.values()].every(({ ended }) => ended)
  if (!ended) await peer.until(() => [...peer.streams.values()].every(({ ended }) => ended), 500)
  const before = new Map([...peer.streams].map(([on, { reset }]) => [on, reset]))
  const last = frame(1, 5, nextId, requestBlock('/fuzz.Echo/None'))
  await sendInPieces(peer, Buffer.concat([said.at(-1) ?? Buffer.alloc(0), last, frame(6, 0, 0, lastPing)]), random)
  const goesOn = () => peer.pings.includes(lastPing) && peer.streams.get(nextId)?.ended === true
  await peer.until(() => goesOn() || peer.goAway !== undefined)
  const { problem, goAway } = peer
  const resets = [...peer.streams].filter(
    ([on, { reset }]) => reset !== undefined && reset !== errorCodes.noError && before.get(on) === undefined,
  )
  // node:http2 says GOAWAY, and leaves the connection open.
  socket.destroy()
  const broken = goAway !== undefined && goAway !== errorCodes.noError
  const outcome: FrameOutcome =
    broken || !goesOn() ? 'connection error' : resets.length > 0 ? 'stream error' : 'accepted'
  return { outcome, code: `${goAway ?? '-'} ${resets.map(([on, { reset }]) => `${on}:${reset}`).join()}`, problem }
}
