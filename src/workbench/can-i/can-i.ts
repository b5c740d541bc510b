import type { Failure } from '../../decision/decision.js'
import { createVisibility } from '../../decision/visibility.js'
import type { Principal } from '../../identity/principal.js'
import type { Server } from '../../policy/server.js'
import type { PolicySnapshot } from '../../policy/snapshot.js'
import type { Call } from '../../protocol/call.js'
import { createJudge } from '../create-judge.js'
import { forecastCall } from '../forecast/forecast-call.js'
import type { Verdict } from '../forecast/verdict.js'
import { hypotheticalRequest } from '../hypothetical-request.js'

export interface Asking {
  readonly snapshot: PolicySnapshot
  readonly server: Server
  readonly principal: Principal
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Request headers that the call would come with; names are lower-case. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
}

export interface CanI {
  readonly answer: 'yes' | 'no' | 'depends'
  /** Whether it is the same for any arguments that it takes. */
  readonly whatever: boolean
  /** Of `depends`: what it depends on, as policies name it. */
  readonly on: readonly string[]
  /** Of `no`. */
  readonly why: Failure | undefined
  /** Of `yes`: what would be denied if it were enforced; undefined: that is not certain. */
  readonly would: readonly Failure[] | undefined
}

/** Whether this very message would be allowed. */
export async function canSend(asking: Asking, message: string): Promise<CanI> {
  const { snapshot, server, principal, now, headers = [] } = asking
  const judge = createJudge({ snapshot, principal, now: () => now })
  const { decision } = await judge(hypotheticalRequest(server, { body: message, headers }))
  const { outcome, failure, would } = decision
  const answer = outcome === 'deny' ? 'no' : 'yes'
  return { answer, whatever: false, on: [], why: failure, would: answer === 'yes' ? would : [] }
}

export interface Callable {
  readonly kind: 'tool' | 'prompt'
  /** Of a tool as the gateway's clients call it, with the Server's prefix. */
  readonly name: string
}

/**
 * Whether calls of a tool or prompt would be allowed, of which only the arguments are not known. For arguments that the
 * tool takes: others are refused whoever sends them.
 */
export async function canCall(asking: Asking, callable: Callable): Promise<CanI> {
  const { snapshot, server, principal, now, headers = [] } = asking
  const unprefixed = nameOnServer(server, callable)
  // Which tool a meta-tool calls is one of its arguments.
  if (unprefixed === undefined || server.metaTools.has(unprefixed)) return byList(asking, callable)
  const { verdict, would } = await forecastCall({
    snapshot,
    server,
    principal,
    now,
    call: callOf(callable.kind, unprefixed),
    request: hypotheticalRequest(server, { body: '', headers }),
    argumentsKnown: false,
    scopesKnown: true,
    unknowns: [
      ['request', 'id'],
      ['mcp', 'protocolVersion'],
    ],
  })
  return { ...answerOf(verdict, await explained(asking, callable, verdict)), would }
}

function answerOf(verdict: Verdict, why: Failure | undefined): Omit<CanI, 'would'> {
  switch (verdict.kind) {
    case 'passes':
      return { answer: 'yes', whatever: true, on: [], why: undefined }
    case 'fails':
      return { answer: 'no', whatever: true, on: [], why }
    case 'open':
      return { answer: 'depends', whatever: false, on: verdict.on, why: undefined }
  }
}

/** Of what is nowhere allowed, the list's own judgement names the operation that is refused. */
async function explained(asking: Asking, callable: Callable, verdict: Verdict): Promise<Failure | undefined> {
  if (verdict.kind !== 'fails') return undefined
  const { failure } = verdict
  if (failure.reason !== 'authorization.rbac') return failure
  const listed = await createVisibility(asking).judge(callable)
  return listed.shown || listed.why.reason !== failure.reason ? failure : listed.why
}

async function byList(asking: Asking, callable: Callable): Promise<CanI> {
  const judged = await createVisibility(asking).judge(callable)
  if (!judged.shown) return { answer: 'no', whatever: true, on: [], why: judged.why, would: [] }
  return { answer: 'depends', whatever: false, on: ['the tool that it calls'], why: undefined, would: undefined }
}

/** undefined: no tool of the server has such a name. */
function nameOnServer({ toolPrefix }: Server, { kind, name }: Callable): string | undefined {
  if (kind === 'prompt') return name
  return name.startsWith(toolPrefix) && name.length > toolPrefix.length ? name.slice(toolPrefix.length) : undefined
}

function callOf(kind: Callable['kind'], name: string): Call {
  return {
    protocol: 'mcp',
    kind: 'request',
    era: 'legacy',
    version: undefined,
    id: '1',
    method: kind === 'tool' ? 'tools/call' : 'prompts/get',
    target: { kind, name },
    alsoTargets: [],
    params: undefined,
    arguments: undefined,
    sessionId: undefined,
  }
}
