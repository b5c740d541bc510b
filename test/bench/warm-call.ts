import type { Decision } from '../../src/decision/decision.js'
import type { JudgedTrial } from '../../src/decision/trial.js'
import type { CallContext } from '../../src/doors/grpc/grpc-transport.js'
import type { Authenticated } from '../../src/identity/authenticator.js'
import type { MatchedCall } from '../../src/policy/match.js'
import type { Server } from '../../src/policy/server.js'
import type { PolicySnapshot } from '../../src/policy/snapshot.js'
import type { InboundRequest } from '../../src/protocol/inbound-request.js'
import { scaleRequest } from './check-requests.js'
import { openProgram, telemetry } from './open-program.js'
import type { ProgramParts } from './program-parts.js'
import type { Code } from './server-process.js'

/**
 * - pipeline: bytes of a CheckRequest to bytes of a CheckResponse, as the handler of the door does it in the servers of this
 *   benchmark: the call is counted in the metrics and its record is put together, but not written
 * - bare: the same without metrics and record
 * - decision: from the request, once read, to the decision; without metrics and record
 * - identity: stage 3, from the request to the principal
 * - rbac: the part of stage 7 that asks RBAC about the operations of the call
 * - authorization: stage 7, with what the catalogue makes of the call
 */
export const stageNames = ['pipeline', 'bare', 'decision', 'identity', 'rbac', 'authorization'] as const
export type StageName = (typeof stageNames)[number]

/** Does one stage with the input of this number. Throws when the outcome is not the one that is measured. */
export type RunStage = (input: number) => void

export interface WarmCall {
  /** Inputs that were read just now, as those of a request are, and that no other stage has seen. */
  prepare(stage: StageName, count: number): RunStage
  close(): void
}

const listener: InboundRequest['listener'] = { name: 'bench', door: 'ext-authz', profile: 'envoy', trust: 'none' }
const context: CallContext = { deadline: undefined, peer: '', cancelled: () => false, metadata: () => undefined }

/**
 * The typical call of the benchmark in this process: what the program is made of, but for sockets, with every cache warm.
 * @param change what shall be different from how the policies were loaded
 */
export async function createWarmCall(
  code: Code,
  change: (parts: ProgramParts, snapshot: PolicySnapshot) => void = () => undefined,
): Promise<WarmCall> {
  const program = await openProgram(code)
  try {
    const { parts, snapshot, token } = program
    change(parts, snapshot)
    const call = new PreparedCall(parts, snapshot, scaleRequest(token, 3))
    await call.warmUp()
    return { prepare: (stage, count) => call.prepare(stage, count), close: () => program.close() }
  } catch (error) {
    program.close()
    throw error
  }
}

type Handler = ReturnType<ProgramParts['checkHandler']['createCheckHandler']>
type DecideRequest = ReturnType<ProgramParts['decide']['createDecide']>

class PreparedCall {
  readonly #parts: ProgramParts
  readonly #snapshot: PolicySnapshot
  readonly #server: Server
  readonly #message: Buffer
  readonly #decide: DecideRequest
  readonly #handle: Handler
  readonly #handleBare: Handler

  constructor(parts: ProgramParts, snapshot: PolicySnapshot, message: Buffer) {
    const server = snapshot.servers.byName('kubernetes')
    if (server === undefined) throw new Error('the Server of the benchmark is missing')
    const fail = (error: unknown) => {
      throw error
    }
    this.#parts = parts
    this.#snapshot = snapshot
    this.#server = server
    this.#message = message
    const options = { snapshot: () => snapshot, onBug: fail }
    const told = parts.decide.createDecide({ ...options, ...telemetry(parts, snapshot) })
    this.#decide = parts.decide.createDecide(options)
    this.#handle = parts.checkHandler.createCheckHandler({ decide: told, listener, onError: fail })
    this.#handleBare = parts.checkHandler.createCheckHandler({ decide: this.#decide, listener, onError: fail })
  }

  /** The first call checks the signature, so that it has to be waited for. */
  async warmUp(): Promise<void> {
    await this.#handleBare(Buffer.from(this.#message), context)
    for (const stage of stageNames) this.prepare(stage, 1)(0)
  }

  prepare(stage: StageName, count: number): RunStage {
    switch (stage) {
      case 'pipeline':
        return each(
          count,
          () => Buffer.from(this.#message),
          message => isAllow(this.#handle(message, context)),
        )
      case 'bare':
        return each(
          count,
          () => Buffer.from(this.#message),
          message => isAllow(this.#handleBare(message, context)),
        )
      case 'decision':
        return each(
          count,
          () => this.#read(),
          request => isAllowed(this.#decide(request)),
        )
      case 'identity': {
        const { authenticator } = this.#snapshot
        const { audience } = this.#server
        return each(
          count,
          () => this.#read(),
          request => isKnown(authenticator.authenticate(request, audience)),
        )
      }
      case 'rbac': {
        const { authorizeOperations } = this.#parts.authorizeByRbac
        return each(
          count,
          () => this.#resolved(),
          trial => authorizeOperations(trial, trial.call) === undefined,
        )
      }
      case 'authorization': {
        const { authorizeCall } = this.#parts.authorizeCall
        const matched = (trial: JudgedTrial): MatchedCall => ({ ...trial, server: this.#server.name })
        const trials = () => {
          const trial = this.#trial()
          return { trial, matched: matched(trial) }
        }
        return each(count, trials, one => authorizeCall(one.trial, one.matched) === undefined)
      }
    }
  }

  #read(): InboundRequest {
    const read = this.#parts.checkRequest.readCheckRequest(Buffer.from(this.#message), listener, undefined)
    if (!read.ok) throw new Error(read.detail)
    return read.request
  }

  /** As it is when the stages before authorization have passed. */
  #trial(): JudgedTrial {
    const request = this.#read()
    const server = this.#server
    const authenticated = this.#snapshot.authenticator.authenticate(request, server.audience)
    const read = this.#parts.classify.readCalls(request, server, false)
    if (authenticated instanceof Promise || !authenticated.ok || !read.ok || 'batch' in read)
      throw new Error('the call of the benchmark is not understood')
    const { call } = read
    const { principal } = authenticated
    const trial = this.#parts.trial.newTrial(request, this.#snapshot, Date.now(), undefined)
    trial.tool = call.target.kind === 'tool' ? call.target.name : undefined
    trial.catalogTool = server.catalog?.tools.get(trial.tool ?? '')
    return Object.assign(trial, { server, principal, call })
  }

  #resolved(): JudgedTrial {
    const trial = this.#trial()
    trial.resolved = trial.catalogTool?.resolve(trial.call.arguments ?? new Map(), this.#server.kubernetes)
    return trial
  }
}

function each<Input>(count: number, make: () => Input, isRight: (input: Input) => boolean): RunStage {
  const inputs = Array.from({ length: count }, make)
  return at => {
    const input = inputs[at]
    if (input === undefined || !isRight(input)) throw new Error('not the outcome that is measured')
  }
}

/** The status comes first in what we write: two bytes that say so, and in them the code, 0 for OK (google.rpc.Code). */
function isAllow(answer: Uint8Array | Promise<Uint8Array>): boolean {
  return !(answer instanceof Promise) && answer[0] === 0x0a && answer[3] === 0
}

function isAllowed(decision: Decision | Promise<Decision>): boolean {
  return !(decision instanceof Promise) && decision.outcome === 'allow'
}

function isKnown(authenticated: Authenticated | Promise<Authenticated>): boolean {
  return !(authenticated instanceof Promise) && authenticated.ok
}
