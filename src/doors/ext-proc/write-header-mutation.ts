import type { envoy } from '../../../gen/wire.js'
import { isHeaderName, isHeaderValue } from '../envoy/header-text.js'
import type { HeaderChanges } from './exchange-processor.js'

/** Headers per answer and their bytes. Envoy allows 100 headers and 60 KiB with those that are there already. */
export const mutationLimits = { count: 64, bytes: 28 * 1024, removed: 256 } as const

/** Names that change the message itself or its way (RFC 9110, sections 6 and 7.6): none of a processor's business. */
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

type HeaderMutation = envoy.service.ext_proc.v3.IHeaderMutation

const target = /^\/[\x21-\x7e]{0,8191}$/

export type WrittenMutation =
  /** undefined: there is nothing to change. */
  | { readonly ok: true; readonly mutation: HeaderMutation | undefined }
  /** Holds no values. */
  | { readonly ok: false; readonly detail: string }

export interface MutationOptions {
  readonly changes: HeaderChanges | undefined
  /** What the door itself sets and removes, framing included; what a processor sets wins over a removal. */
  readonly own?: HeaderChanges | undefined
}

/**
 * The only place that makes a HeaderMutation. One bad header refuses all of it: gateways skip what they do not like, and
 * the copy of the client or the server survives.
 */
export function writeHeaderMutation({ changes, own }: MutationOptions): WrittenMutation {
  const set = changes?.set ?? []
  const remove = changes?.remove ?? []
  const detail = changesProblem(set, remove)
  if (detail !== undefined) return { ok: false, detail }
  const names = new Set(set.map(({ name }) => name))
  const seen = new Set<string>()
  const setHeaders = [...set, ...(own?.set ?? [])].map(({ name, value }) => {
    const repeated = seen.has(name)
    seen.add(name)
    return setHeader(name, value, repeated)
  })
  const removeHeaders = [...remove, ...(own?.remove ?? []).filter(name => !names.has(name))]
  if (changes?.target !== undefined) {
    if (!target.test(changes.target)) return { ok: false, detail: 'a path that cannot be sent' }
    setHeaders.push(setHeader(':path', changes.target, false))
  }
  if (setHeaders.length === 0 && removeHeaders.length === 0) return { ok: true, mutation: undefined }
  return { ok: true, mutation: { setHeaders, removeHeaders } }
}

/**
 * ext_proc reads raw_value, where ext_authz reads value. append false takes the place of every copy, append true stands
 * beside them as a header of its own; append_action is not looked at (facts: Envoy's mutation_utils).
 */
function setHeader(name: string, value: string, repeated: boolean): envoy.config.core.v3.IHeaderValueOption {
  return { header: { key: name, rawValue: Buffer.from(value) }, append: { value: repeated } }
}

function changesProblem(set: NonNullable<HeaderChanges['set']>, remove: readonly string[]): string | undefined {
  if (set.length > mutationLimits.count) return `more than ${mutationLimits.count} headers`
  if (remove.length > mutationLimits.removed) return `more than ${mutationLimits.removed} headers to remove`
  let bytes = 0
  for (const { name, value } of set) {
    const problem = nameProblem(name)
    if (problem !== undefined) return problem
    if (!isHeaderValue(value)) return `header ${name} has a value that cannot be sent`
    bytes += name.length + Buffer.byteLength(value)
  }
  if (bytes > mutationLimits.bytes) return `headers of more than ${mutationLimits.bytes} bytes`
  const names = new Set(set.map(({ name }) => name))
  for (const name of remove) {
    const problem = nameProblem(name)
    if (problem !== undefined) return problem
    if (names.has(name)) return `header ${name} is both set and removed`
  }
  return undefined
}

function nameProblem(name: string): string | undefined {
  if (!isHeaderName(name)) return 'a header name is not a lower-case token'
  return framingNames.has(name) || name.startsWith('x-envoy-') ? `header ${name} must not be changed` : undefined
}
