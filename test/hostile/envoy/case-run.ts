import { envoyHas } from '../../e2e/support/needs-envoy.js'
import type { Expectation, HostileCase } from '../case.js'
import { type CasePlace, type CaseRequest, caseRequest, serverOf } from '../support/case-request.js'
import type { BodyMode } from './body-modes.js'
import { reasonOf } from './denial.js'
import { http1Bytes, http1Exchange } from './http1-exchange.js'
import { http2Exchange } from './http2-exchange.js'
import { travels, type WireAnswer, type WireTransport } from './wire-request.js'

/** max_request_bytes in envoy/ext-authz.yaml. */
const LIMIT = 1_048_576

/** Where a refusal must be told exactly as the case has it. */
const strict: ReadonlySet<BodyMode> = new Set(['shipped', 'anywhere'])

/** A case on its way through one listener. */
export interface CaseRun {
  readonly one: HostileCase
  readonly server: string
  readonly mode: BodyMode
  readonly transport: WireTransport
  readonly expectation: Expectation
  /** Undefined for raw bytes. */
  readonly request: CaseRequest | undefined
  /** The bytes that are sent as they are. */
  readonly raw: Buffer | undefined
}

/** Every case that can travel this way. Raw bytes go once, as HTTP/1.1. */
export function caseRuns(
  cases: readonly HostileCase[],
  { mode, transport, place }: { mode: BodyMode; transport: WireTransport; place: CasePlace },
): CaseRun[] {
  const version = transport.startsWith('http1') ? 'http1' : 'http2'
  return cases.flatMap((one): CaseRun[] => {
    if (one.over !== undefined && !one.over.includes(version)) return []
    const common = { one, server: serverOf(one), mode, transport, expectation: expectationOf(one, version) }
    if (one.raw !== undefined) {
      if (transport !== 'http1') return []
      const text = one.raw.replaceAll('{host}', place.authority).replaceAll('{token}', place.token)
      return [{ ...common, request: undefined, raw: Buffer.from(text, 'latin1') }]
    }
    const request = caseRequest(one, place)
    if (mode === 'joined' && losesRepeats(request)) return []
    return travels(request, transport) ? [{ ...common, request, raw: undefined }] : []
  })
}

/** What comes of it behind the Envoy of this run. */
export function expectationOf({ envoy, expect }: HostileCase, version: 'http1' | 'http2'): Expectation {
  if (envoy?.unfixed !== undefined && !envoyHas(...envoy.unfixed.fixedIn)) return envoy.unfixed.expect
  return envoy?.[version] ?? expect
}

/** Sends it. `more` goes beside the headers of the case; raw bytes stay as they are. */
export function send(run: CaseRun, port: number, more: readonly (readonly [string, string])[]): Promise<WireAnswer> {
  const { request, raw, transport } = run
  if (request === undefined) return http1Exchange(port, raw ?? Buffer.alloc(0))
  const tagged = { ...request, headers: [...request.headers, ...more] }
  switch (transport) {
    case 'http1':
    case 'http1-chunked':
      return http1Exchange(port, http1Bytes(tagged, transport === 'http1-chunked'), request.method)
    case 'http2':
    case 'http2-apart':
      return http2Exchange(port, tagged, transport === 'http2-apart')
  }
}

/** What is wrong with the answer to a request that is to be refused by us; undefined when nothing is. */
export function wrongDenial(run: CaseRun, answer: WireAnswer): string | undefined {
  const { expectation, request, mode } = run
  if (!('deny' in expectation)) throw new Error(`${run.one.name} is not to be denied`)
  const { deny, status } = expectation
  const reason = reasonOf(answer)
  const told = `status ${answer.status}, ${reason ?? `no reason: ${answer.body.slice(0, 200)}`}`
  const type = request?.headers.findLast(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
  if (/^application\/grpc/i.test(type) || request?.method === 'HEAD') {
    // A gRPC client is told in headers, which we do not read over HTTP/2; the answer to HEAD has no body.
    return reason === deny || (reason === undefined && answer.status > 0 && answer.body === '') ? undefined : told
  }
  if (reason === deny && (status === undefined || status === answer.status)) return undefined
  return !strict.has(mode) && maySay(run, reason) ? undefined : told
}

/** Where another configuration of the gateway may lead to another refusal than the shipped one does. */
export function maySay({ request, mode }: CaseRun, reason: string | undefined): boolean {
  const body = request?.body ?? Buffer.alloc(0)
  switch (mode) {
    case 'shipped':
    case 'anywhere':
      return false
    case 'text':
      // Envoy writes "!" for what is no UTF-8; a text that holds one may not be the original.
      return reason === 'framing.body_incomplete' && Buffer.from(body.toString('utf8')).compare(body) !== 0
        ? true
        : reason === 'framing.body_incomplete' && body.includes('!')
    case 'partial':
    case 'unlimited':
      return reason === 'framing.body_incomplete' && body.length > LIMIT
    case 'joined': {
      const names = (request?.headers ?? []).map(([name]) => name.toLowerCase())
      // Envoy writes "!" here as well.
      const odd = (request?.headers ?? []).some(([, value]) => /[^\x20-\x7e]|!/.test(value))
      return odd || new Set(names).size < names.length
    }
  }
}

/** What is wrong with the answer of a gateway that is to refuse on its own. */
export function wrongStop(run: CaseRun, answer: WireAnswer): string | undefined {
  if (!('gateway' in run.expectation)) throw new Error(`${run.one.name} is not to be stopped by the gateway`)
  const reason = reasonOf(answer)
  if (reason === undefined && run.expectation.gateway.includes(answer.status)) return undefined
  // Where the path has a route, we are asked.
  if (reason !== undefined && run.mode === 'anywhere' && run.expectation.gateway.includes(404)) return undefined
  if (reason !== undefined && maySay(run, reason)) return undefined
  return `status ${answer.status}, ${reason ?? answer.body.slice(0, 200)}`
}

/** Headers that arrived with a value of the client, which should not have. */
export function uncleaned({ expectation, request }: CaseRun, rawHeaders: readonly string[]): string[] {
  if (!('allow' in expectation) || expectation.cleaned === undefined) return []
  return expectation.cleaned.filter(name => {
    const lower = name.toLowerCase()
    const sent = (request?.headers ?? []).filter(([key]) => key.toLowerCase() === lower).map(([, value]) => value)
    return rawHeaders.some((key, at) => {
      if (at % 2 !== 0 || key.toLowerCase() !== lower) return false
      const arrived = rawHeaders[at + 1] ?? ''
      // Repeats may have come as one, joined by commas.
      return [arrived, ...arrived.split(/, */)].some(value => sent.includes(value))
    })
  })
}

/** Headers that may hold a comma by their grammar. */
const withCommas = new Set(['content-type', 'last-event-id', 'mcp-name'])

/** Repeats of such a header look like one value once they are joined. That is why encode_raw_headers must be set. */
function losesRepeats({ headers }: CaseRequest): boolean {
  const names = headers
    .map(([name]) => name.toLowerCase())
    .filter(name => withCommas.has(name) || name.startsWith('mcp-param-'))
  return new Set(names).size < names.length
}
