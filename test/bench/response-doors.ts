import { randomBytes } from 'node:crypto'
import { envoy } from '../../gen/wire.js'
import { sessionHeader } from '../../src/decision/bind-session.js'
import type { BidiStream, BidiStreamHandler, CallContext, UnaryHandler } from '../../src/doors/grpc/grpc-transport.js'
import type { InboundRequest } from '../../src/protocol/inbound-request.js'
import { listRequest, scaleRequest } from './check-requests.js'
import type { Run } from './cost-ratio.js'
import { type ExchangeMessages, exchangeMessages } from './exchange-messages.js'
import { type OpenProgram, openProgram, telemetry } from './open-program.js'
import { manyTools, manyToolsPolicies } from './policies.js'
import type { Code } from './server-process.js'

/**
 * The doors of requests and of answers in this process, bytes in and bytes out, with every cache warm. Every run throws where
 * the outcome is not the one that is measured.
 */
export interface ResponseDoors {
  /** The call by ext_authz: CheckRequest to CheckResponse, with metrics and record. */
  readonly check: Run
  /** The same, and its exchange by ext_proc: headers of the request, headers of the answer, the end. */
  readonly answer: Run
  /** The same where sessions are bound to their callers. */
  readonly boundAnswer: Run
  /** The same where the result, of about 1 KiB, gets a text. */
  readonly toldAnswer: Run
  /** A list of {@link manyTools} tools, from the headers of the request to the last byte of the answer. */
  readonly list: Run
  /** What is done to the same list inside: bytes of the message to bytes of the message. */
  readonly filter: Run
  /** The bytes of that list. */
  readonly listBytes: Buffer
  close(): void
}

const common = { profile: 'envoy', trust: 'none' } as const
const checkListener: InboundRequest['listener'] = { name: 'bench', door: 'ext-authz', ...common }
const answerListener: InboundRequest['listener'] = { name: 'bench', door: 'ext-proc', ...common }
const plainSession = 'c1b1f8f2-6d3c-4f0e-8a55-0f6ad7f0a9b3'

/** @param list of {@link manyTools} tools with the names `pods_list_0`, `pods_list_1`, … */
export async function openResponseDoors(code: Code, list: Buffer): Promise<ResponseDoors> {
  const program = await openProgram(code, manyToolsPolicies())
  try {
    return await prepare(program, list)
  } catch (error) {
    program.close()
    throw error
  }
}

async function prepare(program: OpenProgram, list: Buffer): Promise<ResponseDoors> {
  const { token } = program
  const check = checkHandler(program)
  const call = scaleRequest(token, 3)
  const said = async (message: Buffer) => {
    const answer = envoy.service.auth.v3.CheckResponse.decode(await check(message, contextOf('')))
    if (answer.status?.code) throw new Error('the benchmark is denied')
    return answer.dynamicMetadata ?? {}
  }
  const ofCall = await said(call)
  const toldOfCall = {
    fields: { ...ofCall.fields, result_context: { listValue: { values: [{ stringValue: text }] } } },
  }
  const ofList = await said(listRequest(token, 'many'))

  const { sessionTag } = program.parts
  const sessions = new sessionTag.SessionKeys([{ id: 'bench', secret: randomBytes(32) }])
  const plain = { token, session: plainSession }
  const plainAnswer = exchange(
    processHandler(program),
    'kubernetes',
    exchangeMessages({ ...plain, said: ofCall, answer: result }),
    2,
  )
  const told = exchangeMessages({ ...plain, said: toldOfCall, answer: result })
  const toldAnswer = exchange(processHandler(program), 'kubernetes', told, 3)
  const bound = processHandler(program, sessions)
  const begun = exchangeMessages({ token, said: ofCall, answer: result, begins: plainSession })
  const session = await boundSession(bound, begun)
  const boundAnswer = exchange(
    bound,
    'kubernetes',
    exchangeMessages({ token, session, said: ofCall, answer: result }),
    2,
  )
  const ofMany = exchangeMessages({ ...plain, said: ofList, answer: list })
  const listed = exchange(processHandler(program), 'many', ofMany, 3)
  const checked = () => {
    if (!isAllow(check(call, contextOf('')))) throw new Error('not allowed at once')
  }
  const both = (answer: Run) => () => {
    checked()
    return answer()
  }
  const doors: ResponseDoors = {
    check: checked,
    answer: both(plainAnswer),
    boundAnswer: both(boundAnswer),
    toldAnswer: both(toldAnswer),
    list: listed,
    filter: await filter(program, list),
    listBytes: list,
    close: () => program.close(),
  }
  for (const run of [doors.answer, doors.boundAnswer, doors.toldAnswer, doors.list, doors.filter]) await run()
  return doors
}

const text = 'You act for alice@example.com; changes in team-a are announced in #team-a.'
const result = Buffer.from(
  JSON.stringify({
    jsonrpc: '2.0',
    id: 4711,
    result: { content: [{ type: 'text', text: 'deployment.apps/checkout scaled. '.repeat(30) }], isError: false },
  }),
)

function checkHandler({ parts, snapshot }: OpenProgram): UnaryHandler {
  const decide = parts.decide.createDecide({
    snapshot: () => snapshot,
    onBug: fail,
    ...telemetry(parts, snapshot),
  })
  return parts.checkHandler.createCheckHandler({ decide, listener: checkListener, onError: fail })
}

/** What is measured is processor time: a busy machine may take as long as it likes. */
const patienceMs = 60_000

type Sessions = InstanceType<OpenProgram['parts']['sessionTag']['SessionKeys']>

function processHandler({ parts, snapshot }: OpenProgram, sessions?: Sessions): BidiStreamHandler {
  const review = parts.reviewExchange.createExchangeReview({
    snapshot: () => snapshot,
    judgeWithinMs: patienceMs,
    ...(sessions !== undefined && { sessions }),
    onRefused: ({ decision }) => fail(decision.failure?.message ?? 'refused'),
  })
  return parts.processHandler.createProcessHandler({
    createProcessor: () => new parts.reviewProcessor.ReviewProcessor(review),
    listener: answerListener,
    answerWithinMs: patienceMs,
    onError: detail => fail(detail),
  })
}

function fail(why: unknown): never {
  throw why instanceof Error ? why : new Error(String(why))
}

/** As the transport calls a handler for one stream. Envoy goes by cancelling. */
function exchange(open: BidiStreamHandler, server: string, messages: ExchangeMessages, answers: number): Run {
  const shown = [messages.requestHeaders, messages.responseHeaders, ...(answers > 2 ? messages.body : [])]
  return () => {
    const stream = new Stream()
    const receiver = open(stream, contextOf(server))
    for (const [at, message] of shown.entries()) {
      const busy = receiver.onMessage(message)
      if (busy === undefined) continue
      if (at < shown.length - 1) throw new Error('what should be there at once is waited for')
      return busy.then(() => stream.endWith(answers))
    }
    stream.endWith(answers)
    return undefined
  }
}

class Stream implements BidiStream {
  #sent = 0
  last: Uint8Array = new Uint8Array(0)
  #onClose: (() => void) | undefined

  send(message: Uint8Array): undefined {
    this.#sent++
    this.last = message
  }

  end(): void {
    throw new Error('the exchange was ended')
  }

  onClose(listener: () => void): void {
    const before = this.#onClose
    this.#onClose = () => {
      before?.()
      listener()
    }
  }

  endWith(answers: number): void {
    if (this.#sent !== answers) throw new Error(`${this.#sent} answers in place of ${answers}`)
    this.#onClose?.()
  }
}

function contextOf(server: string): CallContext {
  const metadata = (name: string) => (name === 'mcp-server' ? server : undefined)
  return { deadline: undefined, peer: '127.0.0.1', cancelled: () => false, metadata }
}

/** The id that the client of the benchmark was given in place of the server's. */
async function boundSession(open: BidiStreamHandler, messages: ExchangeMessages): Promise<string> {
  const stream = new Stream()
  const receiver = open(stream, contextOf('kubernetes'))
  await receiver.onMessage(messages.requestHeaders)
  await receiver.onMessage(messages.responseHeaders)
  const { responseHeaders } = envoy.service.ext_proc.v3.ProcessingResponse.decode(stream.last)
  const set = responseHeaders?.response?.headerMutation?.setHeaders ?? []
  const session = set.find(({ header }) => header?.key === sessionHeader)?.header?.rawValue
  return session ? Buffer.from(session).toString() : fail('a session is not bound')
}

/** Half of the tools must be left: else it is another list that is measured. */
async function filter({ parts, snapshot, token }: OpenProgram, list: Buffer): Promise<Run> {
  const server = snapshot.servers.byName('many')
  const read = parts.checkRequest.readCheckRequest(listRequest(token, 'many'), checkListener, undefined)
  if (server === undefined || !read.ok) return fail('the Server of the benchmark is missing')
  const known = await snapshot.authenticator.authenticate(read.request, server.audience)
  if (!known.ok) return fail('the caller of the benchmark is not known')
  const { principal } = known
  // As the service does after it has loaded policies.
  for (const tool of server.catalog?.tools.values() ?? []) tool.possible(server.kubernetes)
  const { authority, path } = read.request
  return async () => {
    const now = Date.now()
    const viewer = { snapshot, server, principal, authority, path, now }
    // Until all is compiled it takes more than a turn.
    const filtered = await parts.filterLists.filterLists(list, viewer)
    if (!filtered.ok) throw new Error(filtered.reason)
    if (filtered.bytes.length < list.length * 0.3 || filtered.bytes.length > list.length * 0.7)
      throw new Error(`${filtered.bytes.length} of ${list.length} bytes of a list of ${manyTools} tools are left`)
  }
}

/** The status comes first in what we write: two bytes that say so, and in them the code, 0 for OK (google.rpc.Code). */
function isAllow(answer: Uint8Array | Promise<Uint8Array>): boolean {
  return !(answer instanceof Promise) && answer[0] === 0x0a && answer[3] === 0
}
