import type { SourceDocument } from '../../documents/source-document.js'
import type { Principal } from '../../identity/principal.js'
import type { PolicySnapshot } from '../../policy/snapshot.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'
import { assumedPrincipal } from '../assumed-principal.js'
import { createSide } from '../diff/judge-side.js'
import { createRandom } from '../diff/random.js'
import { type JudgedPair, TargetSearch } from '../diff/search.js'
import { makeCall, targetsOf } from '../diff/target.js'
import { vocabularyOf } from '../diff/vocabulary.js'
import { hypotheticalRequest } from '../hypothetical-request.js'
import { serverOf } from '../policy-tests/bind-tests.js'
import { callerOf } from '../policy-tests/judge-case.js'
import type { PolicyTest } from '../policy-tests/policy-test.js'
import { methodOf, testRequest } from '../policy-tests/test-request.js'

/** A call that is decided again and again. */
export interface BenchCall {
  readonly server: string
  /** The tool, prompt or resource, else the method. */
  readonly what: string
  readonly request: InboundRequest
  readonly principal: Principal
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** The calls of policy tests; those of tokens are left out, because who asks is not what is measured. */
export function callsOfTests(tests: readonly PolicyTest[], snapshot: PolicySnapshot): readonly BenchCall[] {
  const calls = new Map<string, BenchCall>()
  for (const { asker, call, now } of tests.flatMap(({ cases }) => cases)) {
    const server = serverOf(call, snapshot)
    if (server === undefined || asker.kind !== 'principal') continue
    const { spec } = call
    const what = spec.tool ?? spec.prompt ?? spec.resource ?? methodOf(spec) ?? 'body'
    calls.set(JSON.stringify([asker.spec, spec, now]), {
      ...{ server: server.name, what, now },
      request: testRequest(server, spec, { workload: asker.spec.workload }),
      principal: assumedPrincipal(callerOf(asker.spec)),
    })
  }
  return [...calls.values()]
}

/** Calls tried for each tool until one comes through. */
const tries = 200

/** A call of every tool and the like: one that is allowed if some is found, else the one that came furthest. */
export async function madeUpCalls(
  snapshot: PolicySnapshot,
  documents: readonly SourceDocument[],
): Promise<readonly BenchCall[]> {
  const vocabulary = vocabularyOf(documents)
  const targets = targetsOf({ snapshots: [snapshot], vocabulary, changed: new Set() })
  const side = createSide({ snapshot, others: [], headers: new Set(), nameOf: name => name })
  const calls: BenchCall[] = []
  for (const target of targets) {
    const server = snapshot.servers.byName(target.server)
    if (server === undefined) continue
    const search = new TargetSearch(target, [side, side], createRandom(1))
    let best: JudgedPair | undefined
    for (let left = tries; left > 0 && best?.before.decision !== 'allow'; left--) {
      const pair = await search.next()
      if (pair === undefined) break
      if (best === undefined || pair.before.progress > best.before.progress) best = pair
    }
    // What nobody may do costs little, and says nothing of the rules.
    if (best?.before.decision !== 'allow') continue
    const { draft, principal, message } = makeCall(target, best.vector)
    const request = hypotheticalRequest(server, {
      body: message(server),
      headers: [...draft.headers],
      address: draft.address,
    })
    calls.push({ server: target.server, what: target.name, request, principal, now: draft.now })
  }
  return calls
}
