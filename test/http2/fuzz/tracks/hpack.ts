import { type HeaderField, headerField } from '../../../../src/doors/grpc/native/hpack/header-field.js'
import { HpackDecoder } from '../../../../src/doors/grpc/native/hpack/hpack-decoder.js'
import { preface } from '../../../../src/doors/grpc/native/http2-codes.js'
import { frame } from '../../../../src/doors/grpc/native/raw-client.fixture.js'
import { readRequestHead } from '../../../../src/doors/grpc/native/request-head.js'
import { mutateBytes } from '../../../fuzz/mutate-bytes.js'
import { type Attempt, type Judged, ok, shorter, type Track, wrong } from '../attempt.js'
import { type Field, RandomHpackEncoder } from '../hpack-encoder.js'
import { type NodeServer, startNodeServer } from '../node-server.js'
import { Peer } from '../peer.js'
import { headerName, headerValue } from '../requests.js'

const lastPing = '0123456789abcdef'

/** What came of a block. */
type Reading = 'fields' | 'reset' | 'broken'

/**
 * Header blocks as they may be and as they may not, to our decoder and to node:http2 (nghttp2): the same lists of fields, and blocks
 * that cannot be read are the same ones.
 */
export async function hpackTrack(): Promise<Track> {
  const node = await startNodeServer(() => ({ head: { ':status': '200' }, body: Buffer.alloc(0) }))
  return {
    name: 'hpack',
    weight: 4,
    foreign: true,
    generate(random) {
      const hpack = new RandomHpackEncoder(random)
      const blocks = Array.from({ length: 1 + random.int(8) }, () => {
        const extra: Field[] = Array.from({ length: random.few(10) }, () => [headerName(random), headerValue(random)])
        const block = hpack.encode([
          [':method', 'POST'],
          [':scheme', 'http'],
          [':path', '/a/b'],
          [':authority', 'a'],
          ...extra,
        ])
        // What does not fit into a frame is cut, and cannot be read.
        return block.subarray(0, 16_384)
      })
      for (let left = random.few(3); left > 0; left--) {
        const at = random.int(blocks.length)
        blocks[at] = Buffer.from(mutateBytes(blocks[at] ?? Buffer.alloc(0), random)).subarray(0, 16_384)
      }
      return attempt(node, blocks)
    },
    close: () => node.close(),
  }
}

function attempt(node: NodeServer, blocks: readonly Buffer[]): Attempt {
  return {
    judge: () => judge(node, blocks),
    smaller: () => shorter(blocks).map(less => attempt(node, less)),
    describe: () => blocks.map(block => block.toString('hex')).join('\n'),
  }
}

async function judge(node: NodeServer, blocks: readonly Buffer[]): Promise<Judged> {
  const peer = new Peer(node.address, false)
  const { socket } = peer
  await new Promise(resolve => socket.once('connect', resolve))
  const port = socket.localPort ?? 0
  const frames = blocks.map((block, index) => frame(1, 5, 2 * index + 1, block))
  socket.write(Buffer.concat([preface, frame(4, 0, 0), frame(4, 1, 0), ...frames, frame(6, 0, 0, lastPing)]))
  await peer.until(() => peer.pings.includes(lastPing) || peer.goAway !== undefined)
  const requests = node.requests(port)
  const errors = node.errors(port)
  const goAway = peer.goAway
  const resets = new Map([...peer.streams].map(([id, { reset }]) => [id, reset]))
  // node:http2 says GOAWAY and leaves the connection open.
  socket.destroy()
  node.forget(port)

  const ours = readBlocks(blocks)
  const explained = new Set<string>()
  const breaks = ours.some(({ reading }) => reading === 'broken')
  if (breaks !== (goAway !== undefined)) {
    return wrong('hpack outcome', `ours ${breaks ? 'broken' : 'not broken'}, node GOAWAY ${goAway} ${errors.join()}`)
  }
  if (breaks && goAway !== 9) return wrong('hpack outcome', `ours broken, node GOAWAY ${goAway}`)
  for (const [index, { reading, fields }] of ours.entries()) {
    const heard = requests.get(2 * index + 1)
    const reset = resets.get(2 * index + 1)
    const read: Reading = heard !== undefined ? 'fields' : reset !== undefined ? 'reset' : 'broken'
    // nghttp2 does not say what it had to say of streams before a block that is broken.
    if (reading === 'broken' || (read === 'broken' && breaks)) continue
    if (reading !== read) {
      const why = explain(reading, read, fields, heard)
      if (why !== undefined) {
        explained.add(why)
        continue
      }
      return wrong('hpack outcome', `block ${index}: ours ${reading}, node ${read}, ${JSON.stringify(fields)}`)
    }
    if (heard === undefined || JSON.stringify(fields) === JSON.stringify(heard)) continue
    // nghttp2 leaves out values that hold control characters; RFC 9110 §5.5 lets them be kept.
    const rest = fields.filter(([, value]) => !hasControls(value))
    if (JSON.stringify(rest) === JSON.stringify(heard)) explained.add('a control character in a value')
    else return wrong('hpack fields', `block ${index}: ours ${JSON.stringify(fields)}, node ${JSON.stringify(heard)}`)
  }
  return ok([...new Set([...ours.map(({ reading }) => reading), ...explained])].sort().join(', '))
}

/** Until one is broken: what follows cannot be read. */
function readBlocks(blocks: readonly Buffer[]): { reading: Reading; fields: Field[] }[] {
  const decoder = new HpackDecoder()
  const readings: { reading: Reading; fields: Field[] }[] = []
  for (const block of blocks) {
    const into: HeaderField[] = []
    const outcome = decoder.decode(block, 0, block.length, into, 65_536)
    const reading = outcome === 'broken' ? 'broken' : readRequestHead(into) === undefined ? 'reset' : 'fields'
    readings.push({ reading, fields: into.map(({ name, value }) => [name, value]) })
    if (outcome === 'broken') break
  }
  return readings
}

function hasControls(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at)
    if ((code < 0x20 && code !== 9) || code === 0x7f) return true
  }
  return false
}

/** Where nghttp2 is stricter or less strict than we are with what the fields say; that they are the same ones is for others to see. */
function explain(
  ours: Reading,
  theirs: Reading,
  fields: readonly Field[],
  heard: readonly Field[] | undefined,
): string | undefined {
  const find = (wanted: string) => fields.find(([name]) => name === wanted)?.[1] ?? ''
  if (ours === 'fields' && theirs === 'reset') {
    // RFC 9113 §8.3.1 leaves :authority to the client.
    if (find(':authority') + find('host') === '') return 'no authority'
    // Nothing of ours looks at a method that is not POST, or a path that is none of ours.
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(find(':method'))) return 'a method that is no token'
    if (!/^(\*|\/[\x21-\x7e\x80-\xff]*)$/.test(find(':path'))) return 'a path with odd characters'
    if (!/^[a-zA-Z][a-zA-Z0-9+.-]*$/.test(find(':scheme'))) return 'a scheme with odd characters'
    if (!/^[A-Za-z0-9._~!$&'()*+,;=:@%[\]-]*$/.test(find(':authority') + find('host')))
      return 'an authority with odd characters'
  }
  if (ours === 'reset' && heard !== undefined) {
    // RFC 9113 §8.2.1: such a request is malformed. nghttp2 leaves the field out.
    const rest = fields.filter(
      ([name, value]) => (name.startsWith(':') || headerField(name, value).kind !== 'malformed') && !hasControls(value),
    )
    const good = readRequestHead(rest.map(([name, value]) => headerField(name, value))) !== undefined
    if (good && JSON.stringify(rest) === JSON.stringify(heard)) return 'a field that nghttp2 leaves out'
  }
  return undefined
}
