import type { Report } from './check-match.js'
import type { CrossCheckInput } from './cross-check.js'

/**
 * Audiences that do not fit together. One of an issuer that no Server accepts admits nobody: most likely one of the two is
 * misspelt. One for tokens that people give to their agents is not for Servers, but must be one of an issuer.
 */
export function checkAudiences({ authentication, identity, servers }: CrossCheckInput, report: Report): void {
  if (servers.length === 0) return
  const ofServers = new Set(servers.flatMap(server => server.audience.audiences))
  const ofIssuers = new Set(
    authentication.flatMap(({ value }) => value.issuers.flatMap(({ audiences }) => [...audiences])),
  )
  const delegated = (identity?.value.onBehalfOf ?? []).flatMap(({ audiences }, rule) =>
    audiences.map((audience, index) => ({ audience, at: ['spec', 'onBehalfOf', rule, 'audiences', index] })),
  )
  const accepted = new Set([...ofServers, ...delegated.map(({ audience }) => audience)])
  for (const { document, value } of authentication)
    for (const [i, { audiences }] of value.issuers.entries())
      for (const [j, audience] of audiences.entries()) {
        if (accepted.has(audience)) continue
        const message = 'admits nobody here: no Server accepts this audience'
        const hint = 'Server.spec.audiences decides; add it there or remove it here'
        report('warning', document, ['jwt', i, 'issuer', 'audiences', j], message, hint)
      }
  if (identity === undefined) return
  checkReviewedIssuers(identity, servers, ofServers, report)
  for (const { audience, at } of delegated)
    if (ofServers.has(audience)) {
      const message = 'is an audience of a Server: a token that a person gives to an agent is good there by itself'
      report('warning', identity.document, at, message, 'use an audience that is only for such tokens')
    } else if (!ofIssuers.has(audience)) {
      const message = 'admits nobody: no issuer has this audience'
      report('warning', identity.document, at, message, "add it to jwt[].issuer.audiences of the people's issuer")
    }
}

/** Tokens of ServiceAccounts are everywhere in a cluster, and their names are the same in every cluster. */
function checkReviewedIssuers(
  { document, value }: NonNullable<CrossCheckInput['identity']>,
  servers: CrossCheckInput['servers'],
  ofServers: ReadonlySet<string>,
  report: Report,
): void {
  for (const [url, { tokenReview }] of value.issuers) {
    if (tokenReview === undefined) continue
    const at = ['spec', 'issuers', url, 'tokenReview']
    if (ofServers.has(url)) {
      const message = "is an audience of a Server: every pod's own token for the API server is good there"
      report(
        'warning',
        document,
        at,
        message,
        'take it out of Server.spec.audiences, and ask for tokens for the Server',
      )
    }
    if (tokenReview.prefix !== '') continue
    for (const { name, kubernetes } of servers) {
      const other = [kubernetes.cluster, ...kubernetes.contexts.values()].find(one => one !== tokenReview.cluster)
      if (other === undefined) continue
      const message = `a ServiceAccount of the cluster ${tokenReview.cluster} has the rights of its namesake in ${other}, at the Server ${name}`
      report('warning', document, at, message, 'give it a prefix')
    }
  }
}
