import { didYouMean } from '../../../documents/did-you-mean.js'
import type { DecisionQuery } from '../../../telemetry/recent-decisions.js'

export type ReadDecisionQuery =
  | { readonly ok: true; readonly query: DecisionQuery; readonly format: 'json' | 'ndjson' }
  | { readonly ok: false; readonly message: string }

const names = ['limit', 'id', 'outcome', 'server', 'reason', 'would', 'shadow', 'format']
const maxQuery = 2048

export const defaultLimit = 100
/** Each is read and written anew when asked for. */
export const largestLimit = 1000

/** What of the recent decisions is asked for: the query of the target, without `?`. */
export function readDecisionQuery(text: string): ReadDecisionQuery {
  const refuse = (message: string): ReadDecisionQuery => ({ ok: false, message })
  if (text.length > maxQuery) return refuse('the query is too long')
  const given = new URLSearchParams(text)
  const seen = new Set<string>()
  for (const name of given.keys()) {
    if (!names.includes(name)) {
      const meant = didYouMean(name.slice(0, 64), names)
      return refuse(
        `the query has a parameter that is not known; ${meant ? `did you mean ${meant}?` : `there are ${names.join(', ')}`}`,
      )
    }
    if (seen.has(name)) return refuse(`${name} is there twice`)
    seen.add(name)
  }
  const value = (name: string) => given.get(name) ?? undefined
  const [limit, outcome, would, format] = [value('limit'), value('outcome'), value('would'), value('format')]
  const count = limit === undefined ? defaultLimit : /^[0-9]{1,6}$/.test(limit) ? Number(limit) : 0
  if (count < 1 || count > largestLimit) return refuse(`limit is a number from 1 to ${largestLimit}`)
  if (outcome !== undefined && outcome !== 'allow' && outcome !== 'deny' && outcome !== 'respond')
    return refuse('outcome is allow, deny or respond')
  if (would !== undefined && would !== 'true' && would !== 'false') return refuse('would is true or false')
  const shadow = value('shadow')
  if (shadow !== undefined && shadow !== 'true' && shadow !== 'false') return refuse('shadow is true or false')
  if (format !== undefined && format !== 'json' && format !== 'ndjson') return refuse('format is json or ndjson')
  const [id, server, reason] = [value('id'), value('server'), value('reason')]
  return {
    ok: true,
    format: format ?? 'json',
    query: {
      limit: count,
      ...(id !== undefined && { id }),
      ...(outcome !== undefined && { outcome }),
      ...(server !== undefined && { server }),
      ...(reason !== undefined && { reason }),
      ...(shadow !== undefined && { shadow: shadow === 'true' }),
      ...(would !== undefined && { would: would === 'true' }),
    },
  }
}
