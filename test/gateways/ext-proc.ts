import { envoy } from '../../gen/wire.js'
import { bodyModes } from '../../src/doors/ext-proc/body-plan.js'
import type { BidiReceiver, BidiStream, BidiStreamHandler } from '../../src/doors/grpc/grpc-transport.js'
import { envoyHeaders } from './envoy.js'
import type { GatewayRequest } from './gateway.js'
import { plainToStruct, structToPlain } from './struct-to-plain.js'

const { ProcessingRequest, ProcessingResponse } = envoy.service.ext_proc.v3
const { NONE, BUFFERED, FULL_DUPLEX_STREAMED } = bodyModes
type Shown = envoy.service.ext_proc.v3.IProcessingRequest
type Said = envoy.service.ext_proc.v3.ProcessingResponse
type Common = envoy.service.ext_proc.v3.ICommonResponse
type Metadata = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** The filter's configuration, as far as it matters here. */
export interface ExtProcSettings {
  readonly requestBody: typeof NONE | typeof BUFFERED
  readonly responseBody: typeof NONE
  /** `grpc_initial_metadata`. */
  readonly initialMetadata: Readonly<Record<string, string>>
  /** `forwarding_namespaces.untyped`. */
  readonly forwards: readonly string[]
}

/** As in envoy/ext-authz-and-ext-proc.yaml, for a route of this Server. */
export const besideExtAuthz = (server: string): ExtProcSettings => ({
  requestBody: NONE,
  responseBody: NONE,
  initialMetadata: { 'mcp-server': server },
  forwards: ['envoy.filters.http.ext_authz', 'envoy.filters.http.jwt_authn'],
})

/** Where no ext_authz decides: the body of the request waits in the filter. */
export const extProcAlone = (server: string): ExtProcSettings => ({
  requestBody: BUFFERED,
  responseBody: NONE,
  initialMetadata: { 'mcp-server': server },
  forwards: [],
})

export interface ServerAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, readonly string[]>
  readonly body: Buffer
}

/** A request that goes on, or an answer that goes back. */
export type Passed = { readonly to: 'next'; readonly request: GatewayRequest } | LocalReply
export interface LocalReply {
  readonly to: 'client'
  readonly answer: ServerAnswer
  readonly details: string
}

/**
 * Envoy's ext_proc filter for one exchange: shows its parts to a processor and does what that says, by what was seen of
 * 1.40. Bodies are shown in one piece.
 */
export class ExtProcExchange {
  readonly #settings: ExtProcSettings
  readonly #receiver: BidiReceiver
  readonly #said: Said[] = []
  readonly #closers: (() => void)[] = []
  #first = true
  #requestBody: number
  #responseBody: number
  #told: Record<string, unknown> = {}

  constructor(handler: BidiStreamHandler, settings: ExtProcSettings) {
    this.#settings = settings
    this.#requestBody = settings.requestBody
    this.#responseBody = settings.responseBody
    const stream: BidiStream = {
      send: bytes => {
        this.#said.push(ProcessingResponse.decode(bytes))
        return undefined
      },
      end: () => undefined,
      onClose: listener => this.#closers.push(listener),
    }
    this.#receiver = handler(stream, {
      ...{ deadline: undefined, peer: '', cancelled: () => false },
      metadata: name => settings.initialMetadata[name],
    })
  }

  /** Dynamic metadata that the processor has left, by namespace. Which of them go anywhere is a setting. */
  get told(): Readonly<Record<string, unknown>> {
    return this.#told
  }

  /** @param metadata what filters before have left, by namespace */
  async request(request: GatewayRequest, metadata: Metadata = {}): Promise<Passed> {
    const { method, target, authority, body } = request
    const headers = envoyHeaders(request)
    const whole = body !== undefined && body.length > 0 ? body : undefined
    const pseudo = { ':method': method, ':path': target, ':authority': authority, ':scheme': 'https' }
    if (whole !== undefined && !headers.has('content-length')) headers.set('content-length', [String(whole.length)])
    const said = await this.#show(
      {
        requestHeaders: { headers: wireHeaders(pseudo, headers), endOfStream: whole === undefined },
        attributes: {
          'envoy.filters.http.ext_proc': plainToStruct({
            'source.address': '203.0.113.9:40000',
            'connection.mtls': false,
          }),
        },
      },
      metadata,
    )
    if (said.immediateResponse) return replied(said)
    if (!said.requestHeaders) throw new Error('the answer to headers is none')
    mutate(headers, said.requestHeaders.response)
    this.#requestBody = said.modeOverride?.requestBodyMode ?? this.#requestBody
    this.#responseBody = said.modeOverride?.responseBodyMode ?? this.#responseBody
    let sent = whole
    if (whole !== undefined && this.#requestBody === BUFFERED) {
      const judged = await this.#show({ requestBody: { body: whole, endOfStream: true } }, metadata)
      if (judged.immediateResponse) return replied(judged)
      if (!judged.requestBody) throw new Error('the answer to a body is none')
      mutate(headers, judged.requestBody.response)
      sent = mutatedBody(judged.requestBody.response, whole)
    }
    return { to: 'next', request: { ...request, headers: flat(headers), body: sent } }
  }

  /** @param metadata what the filters have left, by namespace */
  async response(answer: ServerAnswer, metadata: Metadata = {}): Promise<ServerAnswer> {
    const headers = new Map([...answer.headers].map(([name, values]) => [name, [...values]]))
    const { body } = answer
    const said = await this.#show(
      {
        responseHeaders: {
          headers: wireHeaders({ ':status': String(answer.status) }, headers),
          endOfStream: body.length === 0,
        },
      },
      metadata,
    )
    if (said.immediateResponse) return replied(said).answer
    if (!said.responseHeaders) throw new Error('the answer to headers is none')
    mutate(headers, said.responseHeaders.response)
    this.#responseBody = said.modeOverride?.responseBodyMode ?? this.#responseBody
    if (body.length === 0 || this.#responseBody === NONE) return { ...answer, headers }
    const judged = await this.#show({ responseBody: { body, endOfStream: true } }, metadata)
    if (judged.immediateResponse) return replied(judged).answer
    if (!judged.responseBody) throw new Error('the answer to a body is none')
    mutate(headers, judged.responseBody.response)
    if (this.#responseBody === FULL_DUPLEX_STREAMED) headers.delete('content-length')
    const sent = mutatedBody(judged.responseBody.response, body)
    const length = headers.get('content-length')
    // A length that is no longer true is an error of the filter's (500).
    if (length !== undefined && length[0] !== String(sent.length))
      throw new Error('content-length is not that of the body')
    return { ...answer, headers, body: sent }
  }

  /** As Envoy ends every stream. */
  close(): void {
    for (const closer of this.#closers) closer()
  }

  async #show(part: Shown, metadata: Metadata = {}): Promise<Said> {
    const forwarded = Object.entries(metadata).filter(([name]) => this.#settings.forwards.includes(name))
    const first = this.#first
    this.#first = false
    const bytes = ProcessingRequest.encode({
      ...part,
      metadataContext: {
        filterMetadata: Object.fromEntries(forwarded.map(([name, values]) => [name, plainToStruct(values)])),
      },
      // The configured modes, whatever an override says later.
      ...(first && {
        protocolConfig: {
          requestBodyMode: this.#settings.requestBody,
          responseBodyMode: this.#settings.responseBody,
        },
      }),
    }).finish()
    const before = this.#said.length
    await this.#receiver.onMessage(Buffer.from(bytes))
    const [said, ...more] = this.#said.slice(before)
    this.#told = { ...this.#told, ...structToPlain(said?.dynamicMetadata) }
    if (said === undefined || more.length > 0) throw new Error(`${this.#said.length - before} answers to one message`)
    return said
  }
}

function wireHeaders(pseudo: Readonly<Record<string, string>>, headers: ReadonlyMap<string, readonly string[]>) {
  const entries = [
    ...Object.entries(pseudo),
    ...[...headers].flatMap(([name, values]) => values.map(value => [name, value] as const)),
  ]
  return { headers: entries.map(([key, value]) => ({ key, rawValue: Buffer.from(value, 'latin1') })) }
}

/** append true stands beside what is there, anything else takes its place; raw_value is read. Removed first. */
function mutate(headers: Map<string, string[]>, common: Common | null | undefined): void {
  const { setHeaders = [], removeHeaders = [] } = common?.headerMutation ?? {}
  for (const name of removeHeaders ?? []) headers.delete(name.toLowerCase())
  for (const { header, append } of setHeaders ?? []) {
    const name = (header?.key ?? '').toLowerCase()
    const value = Buffer.from(header?.rawValue ?? []).toString('utf8')
    headers.set(name, append?.value === true ? [...(headers.get(name) ?? []), value] : [value])
  }
}

function mutatedBody(common: Common | null | undefined, given: Buffer): Buffer {
  const { body, clearBody, streamedResponse } = common?.bodyMutation ?? {}
  if (streamedResponse) return Buffer.from(streamedResponse.body ?? [])
  if (clearBody) return Buffer.alloc(0)
  return body?.length ? Buffer.from(body) : given
}

function flat(headers: ReadonlyMap<string, readonly string[]>): (readonly [string, string])[] {
  return [...headers].flatMap(([name, values]) => values.map(value => [name, value] as const))
}

function replied({ immediateResponse }: Said): LocalReply {
  const headers = new Map<string, string[]>()
  mutate(headers, { headerMutation: immediateResponse?.headers ?? null })
  const body = Buffer.from(immediateResponse?.body ?? [])
  const status = immediateResponse?.status?.code ?? 200
  return { to: 'client', answer: { status, headers, body }, details: immediateResponse?.details ?? '' }
}
