import type { Report } from './check-match.js'
import type { CrossCheckInput } from './cross-check.js'
import type { MatchedServers } from './matched-servers.js'

/** Guardrails about results on Servers whose answers nobody looks into. */
export function checkResultGuardrails(
  resultGuardrails: CrossCheckInput['resultGuardrails'],
  servers: MatchedServers,
  report: Report,
): void {
  for (const { document, value } of resultGuardrails) {
    const unseen = servers.of(value.match).filter(server => server.protocol === 'json')
    // One that names no Server is about those whose results there are.
    if (unseen.length === 0 || (value.match.serversGiven === false && unseen.length < servers.all.length)) continue
    const names = unseen.map(({ name }) => name).join(', ')
    report(
      'warning',
      document,
      ['spec', 'match', 'servers'],
      `answers of Servers with protocol: json are not looked at, so it is not kept on ${names}`,
      'take them out of servers, and judge the request instead',
    )
  }
}
