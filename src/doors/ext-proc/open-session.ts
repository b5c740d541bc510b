import { sessionHeader, voucherHeader } from '../../decision/bind-session.js'
import { listMethods } from '../../decision/filter-lists.js'
import type { ReviewedExchange } from '../../decision/reviewed-exchange.js'
import type { RequestHeaders } from '../../protocol/request-headers.js'
import { passWith } from './answer-review.js'
import type { HeadersVerdict } from './exchange-processor.js'
import { respondWith } from './respond-with.js'

/**
 * The headers of a request whose answer is to be reviewed: the server's own session id, and no compression that we could not
 * read. `next`: ext_authz stands behind us.
 */
export function openSession(
  exchange: ReviewedExchange,
  headers: RequestHeaders,
  decidedBy: 'us' | 'next',
): HeadersVerdict {
  if (!exchange.active) return { kind: 'pass' }
  const { session, target } = exchange
  if (session.kind === 'refused') return respondWith(exchange.deny(session.why, session.status))
  const set: { name: string; value: string }[] = []
  const remove: string[] = []
  if (session.kind === 'own' && session.target === undefined) set.push({ name: sessionHeader, value: session.id })
  // Nobody knows whose session it is: should the request be allowed all the same, then without one.
  else if (session.kind !== 'own' && exchange.bindsSessions && headers.has(sessionHeader)) remove.push(sessionHeader)
  // Who decides next cannot see that there was a tag. What a client says of that goes no further.
  if (session.kind === 'own' && decidedBy === 'next') set.push({ name: voucherHeader, value: session.voucher })
  else if (headers.has(voucherHeader)) remove.push(voucherHeader)
  // What is compressed cannot be read here. The method of a legacy request is not known yet.
  if (headers.has('accept-encoding') && (exchange.guardsResults || !namesOtherMethod(headers)))
    set.push({ name: 'accept-encoding', value: 'identity' })
  return passWith({ set, remove, ...(target !== undefined && { target }) })
}

/** Modern requests name their method, and ext_authz holds them to it. */
function namesOtherMethod(headers: RequestHeaders): boolean {
  const method = headers.one('mcp-method')
  return method !== undefined && !listMethods.has(method)
}
