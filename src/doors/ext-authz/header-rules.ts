import type { HeaderValue } from '../../decision/decision.js'
import { headerValueBytes, isHeaderName } from '../envoy/header-text.js'
import { callerBegin, knownCaller, rememberCaller } from './caller-headers.js'

/** Where a header goes: to the server, to the client with the server's answer, or to the client with our own answer. */
export type HeaderPlace = 'request' | 'response' | 'reply'

/**
 * Headers per answer and their bytes (names and values). Envoy's own limits are 100 headers and 60 KiB in all: what
 * these leave is the room of the request (headerBudget of the protocol).
 */
export const headerLimits = { count: 24, bytes: 28 * 1024, removed: 256, removedBytes: 64 * 1024 } as const

/**
 * Names that change the message itself or its way instead of describing it (RFC 9110, sections 6 and 7.6). Envoy applies
 * some of them as sent, `host` even without being configured to.
 */
const framingNames: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
  'expect',
])

/** They say how to read a body that is not ours, so that only our own answer may have them. */
const bodyNames: ReadonlySet<string> = new Set(['content-type', 'content-encoding'])

/**
 * What is wrong with headers to set, without their values; undefined when they may be sent. Gateways skip or mangle bad
 * headers in silence and the client's copy survives, so that a bad one must fail the whole answer.
 */
export function headersProblem(headers: readonly HeaderValue[], place: HeaderPlace): string | undefined {
  if (headers.length > headerLimits.count) return `more than ${headerLimits.count} headers`
  const begin = place === 'request' ? callerBegin(headers) : -1
  const caller = begin < 0 ? undefined : knownCaller(headers, begin)
  const end = caller === undefined ? begin : begin + caller.headers.length
  let bytes = caller?.bytes ?? 0
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i]
    if (header === undefined) continue
    const { name, value } = header
    if (i >= begin && i < end) {
      // The rest is known of them.
      if (isNamedBefore(headers, i, name)) return setTwice(name)
      continue
    }
    const verdict = verdictOf(name)
    if (verdict === 'malformed') return 'a header name is not a lower-case token'
    if (verdict === 'never' || (verdict === 'reply only' && place !== 'reply')) return `header ${name} must not be set`
    // Of two copies the last one wins in a request; an answer of our own may have several challenges.
    if (place !== 'reply' && isNamedBefore(headers, i, name)) return setTwice(name)
    const length = headerValueBytes(value)
    if (length < 0) return `header ${name} has a value that cannot be sent`
    bytes += name.length + length
  }
  if (bytes > headerLimits.bytes) return `headers of more than ${headerLimits.bytes} bytes`
  if (begin >= 0 && caller === undefined) rememberCaller(headers, begin, bytesOf)
  return undefined
}

function bytesOf({ name, value }: HeaderValue): number {
  return name.length + headerValueBytes(value)
}

function setTwice(name: string): string {
  return `header ${name} is set twice`
}

/** There are few, and a set of them would cost more than it saves. */
function isNamedBefore(headers: readonly HeaderValue[], end: number, name: string): boolean {
  for (let i = 0; i < end; i++) if (headers[i]?.name === name) return true
  return false
}

type NameVerdict = 'free' | 'reply only' | 'never' | 'malformed'

/** The names that we set come from us and from policies: there are few of them, and each is looked at once. */
const verdicts = new Map<string, NameVerdict>()
const maxVerdicts = 512

function verdictOf(name: string): NameVerdict {
  const known = verdicts.get(name)
  if (known !== undefined) return known
  const verdict = findVerdict(name)
  if (verdict !== 'malformed' && verdicts.size < maxVerdicts) verdicts.set(name, verdict)
  return verdict
}

function findVerdict(name: string): NameVerdict {
  if (!isHeaderName(name)) return 'malformed'
  if (framingNames.has(name) || name.startsWith('x-envoy-')) return 'never'
  return bodyNames.has(name) ? 'reply only' : 'free'
}

/** What is wrong with headers to remove; undefined when they may be sent. Gateways ignore a removal of `host`. */
export function removalProblem(names: readonly string[], set: readonly HeaderValue[]): string | undefined {
  const checked = checkedRemovals.get(names) ?? checkRemoval(names)
  if (checked.problem !== undefined) return checked.problem
  for (const { name } of set) if (checked.names.has(name)) return `header ${name} is both set and removed`
  return undefined
}

interface CheckedRemoval {
  readonly problem: string | undefined
  readonly names: ReadonlySet<string>
}

/** Most requests remove the same list; one that cannot change is checked once. */
const checkedRemovals = new WeakMap<readonly string[], CheckedRemoval>()

function checkRemoval(names: readonly string[]): CheckedRemoval {
  const checked = { problem: namesProblem(names), names: new Set(names) }
  if (Object.isFrozen(names)) checkedRemovals.set(names, checked)
  return checked
}

function namesProblem(names: readonly string[]): string | undefined {
  if (names.length > headerLimits.removed) return `more than ${headerLimits.removed} headers to remove`
  let bytes = 0
  for (const name of names) {
    bytes += name.length
    if (!isHeaderName(name, headerLimits.removedBytes)) return 'a header to remove is not a lower-case token'
    if (framingNames.has(name)) return `header ${name} cannot be removed`
  }
  return bytes > headerLimits.removedBytes ? 'names of headers to remove are too long' : undefined
}
