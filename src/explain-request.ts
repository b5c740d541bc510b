import { didYouMean } from './documents/did-you-mean.js'
import type { Explained } from './doors/http/admin/admin-door.js'
import type { ExplainRequest } from './doors/http/admin/read-explain-request.js'
import type { Server } from './policy/server.js'
import type { PolicySnapshot } from './policy/snapshot.js'
import { assumedPrincipal } from './workbench/assumed-principal.js'
import { createJudge } from './workbench/create-judge.js'
import { hypotheticalRequest, requestMessage, toolCallMessage } from './workbench/hypothetical-request.js'

/**
 * Judges a request that nobody sent, with the policies in force, and says what every rule said: what the command `explain -o
 * json` prints. Nothing is recorded and no credential is made.
 */
export async function explainRequest(
  snapshot: PolicySnapshot | undefined,
  { server: name, asked, as, headers }: ExplainRequest,
): Promise<Explained> {
  if (snapshot === undefined) return { ok: false, message: 'no policies are in force yet; /readyz says why' }
  const server = chooseServer(snapshot, name)
  if (typeof server === 'string') return { ok: false, message: server }
  const body =
    asked.kind === 'tool' ? toolCallMessage(asked.tool, asked.args) : requestMessage(asked.method, asked.params)
  const judge = createJudge({ snapshot, ...(as !== undefined && { principal: assumedPrincipal(as) }) })
  const { decision, steps } = await judge(hypotheticalRequest(server, { body, headers }))
  const { id, outcome, failure, would, warnings, answer } = decision
  return {
    ok: true,
    explanation: { id, outcome, failure, would, warnings, answer, steps, policyRevision: snapshot.revision },
  }
}

/** A text says what to ask instead. */
function chooseServer({ servers }: PolicySnapshot, name: string | undefined): Server | string {
  const names = servers.all.map(server => server.name)
  if (name !== undefined) {
    const meant = didYouMean(name, names)
    return servers.byName(name) ?? `there is no such Server; ${meant ? `did you mean ${meant}?` : listed(names)}`
  }
  const [only, ...others] = servers.all
  if (only === undefined) return 'the policies hold no Server'
  return others.length === 0 ? only : `say which server; ${listed(names)}`
}

function listed(names: readonly string[]): string {
  return `there are ${names.slice(0, 50).join(', ')}`
}
