import { preface } from '../../../../src/doors/grpc/native/http2-codes.js'
import { frame } from '../../../../src/doors/grpc/native/raw-client.fixture.js'
import { Random } from '../../../fuzz/random.js'
import { type Attempt, type Judged, ok, shorter, type Track, wrong } from '../attempt.js'
import { cutBody, dataFrame, headersFrames, resetStream, settingsFrame, windowUpdate } from '../client-bytes.js'
import { RandomHpackEncoder } from '../hpack-encoder.js'
import { type Heard, Peer, patienceMs, sendInPieces } from '../peer.js'
import { type RequestPlan, randomRequest } from '../requests.js'
import type { Stand } from '../stand.js'

interface Session {
  readonly requests: readonly (RequestPlan & { readonly cancelled: boolean })[]
  /** Decides the order in which things are said, and how. */
  readonly schedule: number
}

/** Sessions that keep every rule, in all the ways that there are: each answer must be right to the octet. */
export function structuredTrack(stand: Stand): Track {
  return {
    name: 'structured',
    weight: 4,
    foreign: false,
    generate(random) {
      const most = random.chance(0.05) ? 1_000_000 : random.chance(0.3) ? 70_000 : 2000
      const requests = Array.from({ length: 1 + random.int(12) }, () => ({
        ...randomRequest(random, most),
        cancelled: random.chance(0.08),
      }))
      return attempt(stand, { requests, schedule: random.int(2 ** 31) })
    },
  }
}

function attempt(stand: Stand, session: Session): Attempt {
  return {
    judge: () => new Conversation(stand, session).hold(),
    smaller: () => shorter(session.requests).map(requests => attempt(stand, { ...session, requests })),
    describe: () =>
      [
        `order ${session.schedule}`,
        ...session.requests.map(
          ({ name, fields, body, cancelled, trailers }) =>
            `${name}${cancelled ? ' (cancelled)' : ''} ${JSON.stringify(fields)}${trailers ? ' with trailers' : ''}\n  ${body.length} bytes: ${body.subarray(0, 200).toString('hex')}`,
        ),
      ].join('\n'),
  }
}

/** What a stream still has to say; `room` is what it takes of the windows. */
interface Step {
  readonly room: number
  make(): Buffer[]
}

class Talk {
  readonly id: number
  readonly plan: RequestPlan & { readonly cancelled: boolean }
  readonly heard: Heard
  readonly steps: Step[]
  cancelled = false

  constructor(id: number, plan: Session['requests'][number], heard: Heard, steps: Step[]) {
    this.id = id
    this.plan = plan
    this.heard = heard
    this.steps = steps
  }

  get over(): boolean {
    return this.cancelled || this.heard.ended || this.heard.reset !== undefined
  }
}

class Conversation {
  readonly #random: Random
  readonly #peer: Peer
  readonly #session: Session
  readonly #hpack: RandomHpackEncoder
  readonly #grantAtOnce: boolean
  readonly #talks: Talk[] = []
  #out: Buffer[] = []
  #nextId = 1
  #pings = 0
  #settings = 0
  #lastWord = false

  constructor(stand: Stand, session: Session) {
    this.#random = new Random(session.schedule, 1)
    this.#peer = new Peer(stand.address, true)
    this.#session = session
    this.#hpack = new RandomHpackEncoder(this.#random)
    this.#grantAtOnce = this.#random.chance(0.5)
  }

  async hold(): Promise<Judged> {
    const peer = this.#peer
    const random = this.#random
    this.#out.push(preface)
    this.#sendSettings()
    this.#out.push(frame(4, 1, 0))
    const waiting = [...this.#session.requests]
    const end = performance.now() + patienceMs
    const much = this.#session.requests.some(({ body }) => body.length > 20_000)
    while (peer.problem === undefined && peer.goAway === undefined && !peer.closed) {
      const next = waiting[0]
      if (next !== undefined && (this.#talks.length === 0 || random.chance(0.4))) {
        waiting.shift()
        this.#begin(next)
      }
      const { chunks } = peer
      const moved = this.#say(much)
      if (random.chance(0.05)) this.#sayAside()
      if (moved && random.chance(0.7)) continue
      await this.#flush()
      const over = waiting.length === 0 && this.#talks.every(talk => talk.over)
      if (over && !this.#lastWord) {
        // What is wrong may come behind the last answer.
        this.#lastWord = true
        this.#ping()
        continue
      }
      if (over && peer.settingsAcked >= this.#settings && peer.pings.length >= this.#pings) break
      if (performance.now() > end) return this.#end(wrong('hang', this.#state()))
      if (!moved && next === undefined && peer.chunks === chunks) await peer.changed(10)
    }
    return this.#end(this.#verdict())
  }

  #begin(plan: Session['requests'][number]): void {
    const random = this.#random
    const id = this.#nextId
    this.#nextId += random.chance(0.2) ? 2 + 2 * random.int(50) : 2
    this.#peer.highestId = id
    const heard = this.#peer.stream(id)
    const { body, fields, trailers } = plan
    const bare = body.length === 0 && trailers === undefined && random.chance(0.5)
    // Ids must grow: who comes first has the lower one.
    this.#out.push(...headersFrames(id, this.#hpack.encode(fields), bare, random))
    const steps: Step[] = []
    const pieces = bare ? [] : cutBody(body, random)
    const last = trailers === undefined && pieces.length > 0 && random.chance(0.7) ? pieces.length - 1 : -1
    for (const [index, piece] of pieces.entries()) {
      const padding = random.chance(0.1) ? random.int(200) : -1
      const room = piece.length + (padding >= 0 ? padding + 1 : 0)
      steps.push({ room, make: () => [dataFrame(id, piece, index === last, padding)] })
    }
    if (trailers !== undefined) {
      steps.push({ room: 0, make: () => headersFrames(id, this.#hpack.encode(trailers), true, random) })
    } else if (last < 0 && !bare) steps.push({ room: 0, make: () => [dataFrame(id, Buffer.alloc(0), true)] })
    this.#talks.push(new Talk(id, plan, heard, steps))
  }

  /** One step of one stream, and of windows. @returns false if there was none to take */
  #say(much: boolean): boolean {
    const random = this.#random
    const peer = this.#peer
    const granted = this.#grant()
    const able = this.#talks.filter(({ steps: [step], over, heard }) => {
      if (step === undefined || over) return false
      return step.room <= peer.sendWindow && (step.room === 0 || step.room <= heard.sendWindow)
    })
    for (const talk of this.#talks) {
      if (!talk.plan.cancelled || talk.over || random.chance(much ? 0.95 : 0.8)) continue
      talk.cancelled = true
      this.#out.push(resetStream(talk.id, random.pick([0, 2, 5, 8])))
      return true
    }
    if (able.length === 0) return granted
    const talk = random.pick(able)
    for (let count = 1 + random.int(4); count > 0; count--) {
      const [step] = talk.steps
      if (step === undefined || step.room > peer.sendWindow || (step.room > 0 && step.room > talk.heard.sendWindow))
        break
      talk.steps.shift()
      peer.sendWindow -= step.room
      talk.heard.sendWindow -= step.room
      this.#out.push(...step.make())
    }
    return true
  }

  /** Lets the server go on: at once, or when its windows are used up. */
  #grant(): boolean {
    const random = this.#random
    const peer = this.#peer
    let granted = false
    if (peer.receiveWindow <= (this.#grantAtOnce ? 60_000 : 0)) {
      const amount = 1 + random.int(100_000)
      peer.receiveWindow += amount
      this.#out.push(windowUpdate(0, amount))
      granted = true
    }
    for (const { id, heard, over, plan } of this.#talks) {
      if (over || heard.receiveWindow > (this.#grantAtOnce ? 100 : 0)) continue
      // Small ones for small answers: much would come in very many frames.
      const small = plan.body.length < 1000 && random.chance(0.5)
      const amount = Math.max(1, -heard.receiveWindow) + random.int(small ? 30 : 80_000)
      heard.receiveWindow += amount
      this.#out.push(windowUpdate(id, amount))
      granted = true
    }
    return granted
  }

  /** What has nothing to do with any stream. */
  #sayAside() {
    const random = this.#random
    switch (random.int(5)) {
      case 0:
        return this.#ping()
      case 1:
        if (this.#settings < 6) this.#sendSettings()
        return
      case 2:
        this.#out.push(frame(2, 0, 1 + 2 * random.int(500), Buffer.from('0000000010', 'hex')))
        return
      case 3:
        this.#out.push(frame(0x20 + random.int(100), random.int(256), random.int(1000), Buffer.alloc(random.int(50))))
        return
      default:
        this.#peer.receiveWindow += 1000
        this.#out.push(windowUpdate(0, 1000))
    }
  }

  #ping(): void {
    const payload = Buffer.alloc(8)
    payload.writeUInt32BE(this.#random.int(2 ** 31))
    this.#pings++
    this.#out.push(frame(6, 0, 0, payload))
  }

  #sendSettings(): void {
    const random = this.#random
    const pairs: [number, number][] = []
    const small = this.#session.requests.every(({ body }) => body.length < 400)
    let window: number | undefined
    if (random.chance(0.5)) {
      window = random.pick(small ? [0, 1, 7, 100, 65_535] : [1000, 20_000, 65_535, 1_000_000])
      pairs.push([4, window])
    }
    if (random.chance(0.3)) pairs.push([1, random.pick([0, 100, 4096, 65_536])])
    if (random.chance(0.3)) pairs.push([2, 0])
    if (random.chance(0.2)) pairs.push([3, random.int(100)])
    if (random.chance(0.2)) pairs.push([5, random.pick([16_384, 16_777_215])])
    if (random.chance(0.2)) pairs.push([0x4321, random.int(2 ** 31)])
    this.#peer.onSettingsSent(window)
    this.#out.push(settingsFrame(pairs))
    this.#settings++
  }

  async #flush(): Promise<void> {
    if (this.#out.length === 0) return
    const bytes = Buffer.concat(this.#out)
    this.#out = []
    await sendInPieces(this.#peer, bytes, this.#random)
  }

  #verdict(): Judged {
    const peer = this.#peer
    if (peer.problem !== undefined) return wrong('rules', peer.problem)
    if (peer.goAway !== undefined) return wrong('goaway', `GOAWAY ${peer.goAway} in a session that keeps every rule`)
    if (peer.closed) return wrong('closed', 'the server has closed a session that keeps every rule')
    for (const talk of this.#talks) {
      const problem = judgeTalk(talk)
      if (problem !== undefined) return wrong('answer', `stream ${talk.id}, ${talk.plan.name}: ${problem}`)
    }
    return ok(`${this.#talks.length} streams`)
  }

  async #end(judged: Judged): Promise<Judged> {
    const random = this.#random
    if (random.chance(0.1)) this.#peer.socket.resetAndDestroy()
    const closed = await this.#peer.close()
    return closed || judged.failure !== undefined ? judged : wrong('close', 'the server does not close')
  }

  #state(): string {
    const { settingsAcked, pings, sendWindow } = this.#peer
    const open = this.#talks.filter(talk => !talk.over)
    return [
      `settings ${settingsAcked}/${this.#settings}, pings ${pings.length}/${this.#pings}, window ${sendWindow}`,
      ...open.map(
        ({ id, plan, steps, heard }) =>
          `${id} ${plan.name}: ${steps.length} steps left, ${heard.bytes} bytes came, windows ${heard.sendWindow} ${heard.receiveWindow}`,
      ),
    ].join('; ')
  }
}

function judgeTalk({ plan, heard, cancelled, steps }: Talk): string | undefined {
  const { expected } = plan
  const body = Buffer.concat(heard.body)
  if (cancelled) {
    const all = expected.kind === 'grpc' ? expected.body : undefined
    if (all !== undefined && !body.equals(all.subarray(0, body.length))) return 'wrong bytes before it was cancelled'
    return undefined
  }
  if (expected.kind === 'reset') {
    return heard.reset === expected.code ? undefined : `reset ${heard.reset} in place of ${expected.code}`
  }
  if (!heard.ended) return `no end, reset ${heard.reset}`
  // What is left to say is of no use when the answer has ended (RFC 9113 §8.1).
  if (heard.reset !== undefined && heard.reset !== 0) return `an end and reset ${heard.reset}`
  if (steps.length > 0 && heard.reset === undefined) return 'an early end, and nothing that says so'
  const head = new Map(heard.fields)
  if (expected.kind === 'http') {
    return head.get(':status') === expected.status ? undefined : `status ${head.get(':status')}`
  }
  if (head.get(':status') !== '200' || head.get('content-type') !== 'application/grpc') return 'a wrong head'
  const status = (heard.trailers === undefined ? head : new Map(heard.trailers)).get('grpc-status')
  if (status !== String(expected.status)) return `grpc-status ${status} in place of ${expected.status}`
  if (body.equals(expected.body)) return undefined
  const at = body.findIndex((octet, index) => octet !== expected.body[index])
  return `${body.length} bytes in place of ${expected.body.length}, different from ${at}`
}
