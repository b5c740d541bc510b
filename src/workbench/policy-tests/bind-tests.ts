import { didYouMean } from '../../documents/did-you-mean.js'
import type { Finding } from '../../documents/finding.js'
import type { PathSegment } from '../../documents/source-document.js'
import type { Server } from '../../policy/server.js'
import type { PolicySnapshot } from '../../policy/snapshot.js'
import type { NamedCall, PolicyTest } from './policy-test.js'
import type { Expectation, FailurePattern } from './policy-test-schema.js'

/**
 * What a test says that these policies do not have: a Server, a tool of its catalogue, a policy. A misspelt name would be
 * denied, and many a test expects just that.
 */
export function checkNames(
  test: PolicyTest,
  snapshot: PolicySnapshot,
  policies: readonly string[],
): readonly Finding[] {
  const findings: Finding[] = []
  const calls = new Map(test.cases.map(({ call }) => [call.name, call]))
  for (const call of calls.values()) {
    const path = ['spec', 'calls', call.name]
    const server = serverOf(call, snapshot)
    if (server === undefined) {
      findings.push(unknownServer(test, call, path, snapshot))
      continue
    }
    const { tool, prompt, unknownTool } = call.spec
    const { catalog, toolPrefix, metaTools } = server
    if (tool !== undefined && unknownTool !== true && catalog !== undefined) {
      const names = [...catalog.tools.keys(), ...metaTools.keys()].map(name => toolPrefix + name)
      if (!names.includes(tool)) {
        const hint = suggestion(tool, names) ?? 'write unknownTool: true beside it if that is what the test is about'
        findings.push(
          test.finding([...path, 'tool'], `the catalogue of the Server "${server.name}" has no tool "${tool}"`, hint),
        )
      }
    }
    if (prompt !== undefined && catalog !== undefined && catalog.prompts.size > 0 && !catalog.prompts.has(prompt))
      findings.push(
        test.finding(
          [...path, 'prompt'],
          `the catalogue of the Server "${server.name}" has no prompt "${prompt}"`,
          suggestion(prompt, catalog.prompts.keys()) ?? list(catalog.prompts.keys()),
        ),
      )
  }
  const told = new Set<string>()
  for (const { expectation, location } of test.cases)
    for (const policy of policiesIn(expectation)) {
      if (policies.includes(policy) || told.has(policy)) continue
      told.add(policy)
      const hint = suggestion(policy, policies) ?? 'a policy is written as Kind/name, e.g. Guardrail/replica-cap'
      findings.push({ ...test.finding(['spec'], `there is no policy "${policy}"`, hint), location })
    }
  return findings
}

/** The Server that a call names, or the only one. */
export function serverOf({ spec }: NamedCall, { servers }: PolicySnapshot): Server | undefined {
  if (spec.server !== undefined) return servers.byName(spec.server)
  const [only, ...others] = servers.all
  return others.length === 0 ? only : undefined
}

function unknownServer(
  test: PolicyTest,
  call: NamedCall,
  path: readonly PathSegment[],
  snapshot: PolicySnapshot,
): Finding {
  const names = snapshot.servers.all.map(({ name }) => name)
  if (names.length === 0) {
    const hint = 'name where they are with --policies, or in spec.policies, relative to the test, e.g. policies: [..]'
    return test.finding(path, 'the policies of this test hold no Server', hint)
  }
  const { server } = call.spec
  if (server === undefined) return test.finding(path, 'says not which Server it is for', list(names))
  return test.finding([...path, 'server'], `there is no Server "${server}"`, suggestion(server, names) ?? list(names))
}

function policiesIn({ policy, would, result }: Expectation): readonly string[] {
  const patterns: (FailurePattern | 'none' | boolean | undefined)[] = [{ policy }]
  if (would !== undefined && would !== 'none') patterns.push(...(Array.isArray(would) ? would : [would]))
  patterns.push(result?.withheld)
  const named = patterns.flatMap(one => (typeof one === 'object' ? (one.policy ?? []) : []))
  const redacted = result?.redacted
  return redacted === undefined || redacted === 'none' ? named : [...named, ...[redacted].flat()]
}

function suggestion(name: string, among: Iterable<string>): string | undefined {
  const near = didYouMean(name, among)
  return near === undefined ? undefined : `did you mean "${near}"?`
}

function list(names: Iterable<string>): string {
  return `there are: ${[...names].slice(0, 20).join(', ')}`
}
