import type { CallContext, UnaryHandler } from '../../../src/doors/grpc/grpc-transport.js'
import type { InboundRequest } from '../../../src/protocol/inbound-request.js'
import { listRequest, scaleRequest } from '../check-requests.js'
import type { Run } from '../cost-ratio.js'
import { type OpenProgram, openProgram, telemetry } from '../open-program.js'
import type { Code } from '../server-process.js'
import { callOf, messageRequest } from './call-requests.js'
import { type CostsOptions, costsOf } from './costs-of.js'

/** Microseconds of processor time, from the bytes of a CheckRequest to those of the answer, with metrics and record. */
export interface DecisionCosts {
  /** A call of 1 KiB that three Guardrails look at; allowed. */
  readonly call: number
  /** The same without metrics and record. */
  readonly untold: number
  /** The same, denied by a Guardrail. */
  readonly deniedByGuardrail: number
  readonly deniedByRbac: number
  readonly initialize: number
  /** The request for a list: the list itself is another cost. */
  readonly listRequest: number
}

const listener: InboundRequest['listener'] = { name: 'bench', door: 'ext-authz', profile: 'envoy', trust: 'none' }
const context: CallContext = { deadline: undefined, peer: '', cancelled: () => false, metadata: () => undefined }

export async function measureDecisions(code: Code, options: CostsOptions): Promise<DecisionCosts> {
  const program = await openProgram(code)
  try {
    const { token } = program
    const [told, untold] = [handlerOf(program, true), handlerOf(program, false)]
    const call = scaleRequest(token, 3)
    await told(call, context)
    const elsewhere = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'team-b', name: 'checkout', scale: 3 }
    const clientInfo = { name: 'sre-agent', version: '2.3' }
    const initialize = { method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo } }
    return await costsOf(
      {
        call: run(told, call, true),
        untold: run(untold, call, true),
        deniedByGuardrail: run(told, scaleRequest(token, 50), false),
        deniedByRbac: run(told, messageRequest(token, 'kubernetes', callOf('resources_scale', elsewhere)), false),
        initialize: run(told, messageRequest(token, 'kubernetes', initialize), true),
        listRequest: run(told, listRequest(token, 'kubernetes'), true),
      },
      options,
    )
  } finally {
    program.close()
  }
}

function handlerOf({ parts, snapshot }: OpenProgram, told: boolean): UnaryHandler {
  const fail = (error: unknown): never => {
    throw error
  }
  const base = { snapshot: () => snapshot, onBug: fail }
  const decide = parts.decide.createDecide(told ? { ...base, ...telemetry(parts, snapshot) } : base)
  return parts.checkHandler.createCheckHandler({ decide, listener, onError: fail })
}

/** A copy each time: what came over a socket is young when it is judged. */
function run(handle: UnaryHandler, message: Buffer, allowed: boolean): Run {
  return () => {
    const answer = handle(Buffer.from(message), context)
    if (answer instanceof Promise) throw new Error('what should be known is waited for')
    if ((answer[3] === 0) !== allowed) throw new Error('not the outcome that is measured')
  }
}
