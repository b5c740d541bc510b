import type { Decision, HeaderValue, MetadataValue } from '../../../src/decision/decision.js'
import { publishedDefinitions } from '../../wire/definitions.js'
import type { Random } from '../random.js'
import { judgeBy, type Track } from './track.js'

/** A decision as JSON, so that it can be recorded and made smaller like any other input. */
interface Written {
  readonly status: number
  readonly set: readonly HeaderValue[]
  readonly remove: readonly string[]
  readonly back: readonly HeaderValue[]
  readonly body: string
  readonly metadata: readonly (readonly [string, MetadataValue])[]
}

/** Decisions of every kind, told to the gateway and read back by the definitions that it publishes. */
export function createDecisionTrack(): Track {
  const published = publishedDefinitions().lookupType('envoy.service.auth.v3.CheckResponse')
  return {
    name: 'decision',
    weight: 1,
    generate: random => ({ track: 'decision', headers: [], bytes: Buffer.from(JSON.stringify(anyDecision(random))) }),
    judge: ({ bytes }, subject) => {
      const meant = readWritten(bytes)
      if (meant === undefined) return judgeBy('unread', [])
      const decision = decisionOf(meant)
      const written = subject.writeCheckResponse(decision)
      if (!written.ok) return judgeBy('refused', [['decision', () => judgeRefusal(meant)]])
      const said = published.toObject(published.decode(written.bytes), { defaults: true })
      return judgeBy(decision.outcome, [['decision', () => judgeSaid(decision, said)]])
    },
  }
}

function judgeSaid(decision: Decision, said: Record<string, unknown>): string | undefined {
  const { status, okResponse, deniedResponse } = said as {
    status?: { code?: number }
    okResponse?: { headers: Option[]; headersToRemove: string[]; responseHeadersToAdd: Option[] }
    deniedResponse?: { status: { code: number }; headers: Option[]; body: string }
  }
  const { answer } = decision
  const allowed = status?.code === 0 && okResponse !== undefined
  if (allowed !== (answer.kind === 'allow')) return 'said an allow for a denial, or the other way round'
  if (answer.kind === 'allow') {
    if (!sameHeaders(answer.setHeaders, okResponse?.headers ?? [])) return 'said other headers to set'
    if (answer.removeHeaders.join() !== okResponse?.headersToRemove.join()) return 'said other headers to remove'
    if (!sameHeaders(answer.responseHeaders, okResponse.responseHeadersToAdd)) return 'said other headers of the answer'
    return undefined
  }
  if (deniedResponse?.status.code !== answer.status) return 'said another HTTP status'
  if (deniedResponse.body !== answer.body) return 'said another body'
  return sameHeaders(answer.headers, deniedResponse.headers) ? undefined : 'said other headers of the denial'
}

interface Option {
  readonly header: { readonly key: string; readonly value: string }
  readonly append?: { readonly value: boolean }
}

function sameHeaders(meant: readonly HeaderValue[], said: readonly Option[]): boolean {
  return (
    meant.length === said.length &&
    meant.every(({ name, value }, at) => {
      const option = said[at]
      return option?.header.key === name && option.header.value === value && !/[\p{Cc}\p{Cs}]/u.test(value)
    })
  )
}

/** What everybody must be able to send is refused to nobody. */
function judgeRefusal({ set, remove, back, body, status, metadata }: Written): string | undefined {
  const plain = set.length + remove.length + back.length === 0 && /^[ -~]*$/.test(body) && metadata.length === 0
  return plain && (status === 0 || status === 403) ? 'refused a plain decision' : undefined
}

/** HTTP status 0 stands for an allow. */
function decisionOf({ status, set, remove, back, body, metadata }: Written): Decision {
  const allow = status === 0
  return {
    ...{ id: 'd', outcome: allow ? 'allow' : 'deny', failure: undefined, would: [], warnings: [] },
    answer: allow
      ? { kind: 'allow', setHeaders: set, removeHeaders: remove, responseHeaders: back }
      : { kind: 'respond', status, headers: set, body },
    metadata: new Map(metadata),
  }
}

function readWritten(bytes: Uint8Array): Written | undefined {
  try {
    const value: Written = JSON.parse(Buffer.from(bytes).toString('utf8'))
    return decisionOf(value) && value.set.every(({ name }) => typeof name === 'string') ? value : undefined
  } catch {
    return undefined
  }
}

function anyDecision(random: Random): Written {
  return {
    status: random.pick([0, 0, 403, 401, 200, 202, 204, 503, 302, 99, 600, 4.5]),
    set: headers(random),
    remove: Array.from({ length: random.few(4) }, () => random.pick(names)),
    back: headers(random),
    body: random.chance(0.3) ? '' : text(random),
    metadata: Array.from({ length: random.few(4) }, () => [text(random), value(random)]),
  }
}

const names = [
  ...['x-a', 'x-b', 'x-mcp-authz-user', 'authorization', 'www-authenticate', 'Host', 'host', 'x_y', 'x-envoy-a', ''],
  ...['a b', 'content-type', ':path', 'é', 'x-mcp-authz-decision-id', 'content-length', 'mcp-name', 'x\n'],
]

function headers(random: Random): HeaderValue[] {
  return Array.from({ length: random.few(3) }, () => ({ name: random.pick(names), value: text(random) }))
}

function value(random: Random): MetadataValue {
  const kind = random.int(4)
  return kind === 0 ? text(random) : kind === 1 ? random.chance(0.5) : kind === 2 ? random.int(1e9) / 7 : [text(random)]
}

const parts = [
  'a',
  'b',
  ' ',
  'é',
  '日',
  '😀',
  '\n',
  '\r',
  '\u0000',
  '\u0085',
  '\ud800',
  '\udc00',
  '%',
  ',',
  'x'.repeat(130),
]

function text(random: Random): string {
  return Array.from({ length: random.few(12) }, () => (random.chance(0.8) ? 'a' : random.pick(parts))).join('')
}
