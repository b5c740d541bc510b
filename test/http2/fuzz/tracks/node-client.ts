import { type ClientHttp2Session, connect, constants } from 'node:http2'
import { message } from '../../../../src/doors/grpc/native/raw-client.fixture.js'
import { Random } from '../../../fuzz/random.js'
import { type Attempt, type Judged, ok, shorter, type Track, wrong } from '../attempt.js'
import { metadataAnswer, paths, splitMessage } from '../echo-service.js'
import type { Field } from '../hpack-encoder.js'
import { patienceMs } from '../peer.js'
import { headerName, headerValue, messageSize, randomBytes } from '../requests.js'
import type { Stand } from '../stand.js'

interface NodeRequest {
  readonly path: string
  readonly fields: readonly Field[]
  readonly writes: readonly Buffer[]
  readonly trailers: boolean
  readonly answer: Buffer
}

interface NodeSession {
  readonly requests: readonly NodeRequest[]
  readonly schedule: number
}

/** node:http2 as the client, with whatever options it has: what it sends must come back to the octet. */
export function nodeClientTrack(stand: Stand): Track {
  return {
    name: 'node client',
    weight: 2,
    foreign: true,
    generate(random) {
      const most = random.chance(0.1) ? 1_000_000 : 40_000
      const requests = Array.from({ length: 1 + random.int(8) }, () => nodeRequest(random, most))
      return attempt(stand, { requests, schedule: random.int(2 ** 31) })
    },
  }
}

function attempt(stand: Stand, session: NodeSession): Attempt {
  return {
    judge: () => judge(stand, session),
    smaller: () => shorter(session.requests).map(requests => attempt(stand, { ...session, requests })),
    describe: () =>
      [
        `order ${session.schedule}`,
        ...session.requests.map(
          ({ path, fields, writes }) =>
            `${path} ${JSON.stringify(fields)} writes ${writes.map(({ length }) => length).join()}`,
        ),
      ].join('\n'),
  }
}

function nodeRequest(random: Random, most: number): NodeRequest {
  const fields: Field[] = []
  const names = new Set<string>()
  for (let left = random.few(12); left > 0; left--) {
    const name = headerName(random)
    // Node joins some that come twice, and does not let others come twice.
    if (names.has(name)) continue
    names.add(name)
    fields.push([name, headerValue(random)])
  }
  const bytes = () => randomBytes(random, messageSize(random, most))
  const one = bytes()
  const kind = random.int(4)
  const path = kind === 0 ? paths.unary : kind === 1 ? paths.metadata : kind === 2 ? paths.split : paths.talk
  const asked = Buffer.from([...names, 'x-missing'].join('\n'), 'latin1')
  const many = kind === 3 ? Array.from({ length: random.int(6) }, bytes) : []
  const body = kind === 3 ? Buffer.concat(many.map(message)) : message(kind === 1 ? asked : one)
  const first = (name: string) => fields.find(([known]) => known === name)?.[1]
  const answer =
    kind === 2
      ? Buffer.concat(splitMessage(one).map(message))
      : kind === 1
        ? message(metadataAnswer(asked, first))
        : body
  const writes: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const size = 1 + random.int(random.chance(0.3) ? 50 : body.length)
    const taken = Math.max(size, Math.ceil(body.length / 50))
    writes.push(body.subarray(at, at + taken))
    at += taken
  }
  return { path, fields, writes, trailers: random.chance(0.1), answer }
}

async function judge(stand: Stand, session: NodeSession): Promise<Judged> {
  const random = new Random(session.schedule, 3)
  const { address } = stand
  if (address.kind !== 'tcp') throw new Error('no port')
  const client = connect(`http://127.0.0.1:${address.port}`, {
    paddingStrategy: random.pick([
      constants.PADDING_STRATEGY_NONE,
      constants.PADDING_STRATEGY_CALLBACK,
      constants.PADDING_STRATEGY_MAX,
    ]),
    maxDeflateDynamicTableSize: random.pick([0, 100, 4096, 65_536]),
    settings: {
      ...(random.chance(0.5) && { initialWindowSize: random.pick([100, 20_000, 65_535, 1_000_000]) }),
      ...(random.chance(0.3) && { headerTableSize: random.pick([0, 100, 4096, 65_536]) }),
      ...(random.chance(0.3) && { maxFrameSize: random.pick([16_384, 16_777_215]) }),
      enablePush: random.chance(0.5),
    },
  })
  const errors: string[] = []
  client.on('error', error => errors.push(error.message))
  const answers = session.requests.map(request => ask(client, request, random))
  if (random.chance(0.3)) client.ping(() => undefined)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>(resolve => {
    timer = setTimeout(resolve, patienceMs, 'late')
  })
  const heard = await Promise.race([Promise.all(answers), late])
  clearTimeout(timer)
  client.destroy()
  if (heard === 'late') return wrong('hang', `no end; ${errors.join()}`)
  const first = heard.find(text => text !== undefined)
  if (first !== undefined) return wrong('answer', `${first}; ${errors.join()}`)
  return errors.length === 0 ? ok('equal') : wrong('client', errors.join())
}

/** @returns what was wrong */
function ask(client: ClientHttp2Session, request: NodeRequest, random: Random): Promise<string | undefined> {
  return new Promise(resolve => {
    const { path, fields, writes, trailers, answer } = request
    const stream = client.request(
      {
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...Object.fromEntries(fields),
      },
      { waitForTrailers: trailers, endStream: false },
    )
    const body: Buffer[] = []
    let status = ''
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-trailer': 'a' }))
    stream.on('response', headers => {
      if (headers['grpc-status'] !== undefined) status = String(headers['grpc-status'])
    })
    stream.on('trailers', headers => {
      status = String(headers['grpc-status'])
    })
    stream.on('data', (chunk: Buffer) => body.push(chunk))
    stream.on('error', error => resolve(`${path}: ${error.message}`))
    stream.on('close', () => {
      const bytes = Buffer.concat(body)
      if (status !== '0') resolve(`${path}: grpc-status ${status}`)
      else if (!bytes.equals(answer)) resolve(`${path}: ${bytes.length} bytes in place of ${answer.length}, or others`)
      else resolve(undefined)
    })
    const slow = random.chance(0.3)
    const write = (at: number): void => {
      const next = writes[at]
      if (next === undefined) {
        stream.end()
        return
      }
      stream.write(next)
      if (slow) setImmediate(write, at + 1)
      else write(at + 1)
    }
    write(0)
  })
}
