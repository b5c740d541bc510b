import * as z from 'zod'
import type { OnBehalfOfRule } from './on-behalf-of-rule.js'

const text = z.string().min(1)

/** `onBehalfOf` of Identity, as written. */
export const onBehalfOfSchema = z
  .array(
    z.strictObject({
      header: text.max(64),
      format: z.enum(['jwt', 'plain']),
      agents: z.array(text).min(1).max(64).optional(),
      workloads: z.array(text).min(1).max(64).optional(),
      audiences: z.array(text).min(1).max(16).optional(),
      prefix: z.string().max(128).optional(),
    }),
  )
  .min(1)
  .max(16)

type Written = z.infer<typeof onBehalfOfSchema>[number]
type Report = (path: readonly (string | number)[], message: string, hint?: string) => void

/**
 * Headers that nothing else reads: `x-` and words, but not those of gateways and of ours. They are removed from every
 * request that goes on.
 */
const headerName = /^x-(?!envoy-|forwarded-|mcp-authz-)[a-z0-9]+(?:-[a-z0-9]+)*$/

/** Checks one rule; undefined when it cannot be used, and then it was reported. Paths begin inside the rule. */
export function compileOnBehalfOf(written: Written, report: Report): OnBehalfOfRule | undefined {
  const { header, format, agents, workloads, audiences, prefix } = written
  const problems: Parameters<Report>[] = []
  if (!headerName.test(header))
    problems.push([
      ['header'],
      'must be a lower-case name such as x-on-behalf-of, and none of x-envoy-*, x-forwarded-* and x-mcp-authz-*',
    ])
  for (const [index, agent] of (agents ?? []).entries())
    if (!/^[a-z0-9][-a-z0-9.]*:./.test(agent))
      problems.push([['agents', index], 'must be <issuer alias>:<id>, such as acme:sre-agent'])
  const patterns = (workloads ?? []).map((pattern, index) => {
    const segments = pattern.slice('spiffe://'.length).split('/')
    const wrong =
      !pattern.startsWith('spiffe://') || segments.length < 2 || segments.includes('') || segments[0]?.includes('*')
    if (wrong || segments.some(segment => segment.includes('*') && segment !== '*'))
      problems.push([
        ['workloads', index],
        'must be a SPIFFE id with a literal trust domain, in which a star stands for a whole segment',
      ])
    return segments
  })
  if (agents === undefined && workloads === undefined)
    problems.push([[], 'must say who may act for others', 'list agents, workloads or both'])
  if (format === 'jwt') {
    if (audiences === undefined)
      problems.push([
        [],
        'needs audiences',
        'name the audience of the tokens that people give to their agents; not one of a Server, or such a token would be good by itself',
      ])
    if (prefix !== undefined)
      problems.push([['prefix'], 'is only for format plain', 'the claimMappings of the issuer make the user name'])
  } else {
    if (workloads === undefined)
      problems.push([
        [],
        'needs workloads: a name without a signature counts only over mTLS',
        'list the SPIFFE ids that may send it',
      ])
    if (audiences !== undefined) problems.push([['audiences'], 'is only for format jwt'])
    if (/^(?:system|agent):/.test(prefix ?? ''))
      problems.push([['prefix'], 'begins with a prefix that is reserved (system:, agent:)'])
  }
  for (const problem of problems) report(...problem)
  if (problems.length > 0) return undefined
  return {
    header,
    format,
    agents: agents && new Set(agents),
    workloads: workloads && patterns,
    audiences: audiences ?? [],
    prefix: prefix ?? '',
  }
}
