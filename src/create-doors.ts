import { findAskedServer } from './authzen-servers.js'
import type { ConfigListener } from './config/config.js'
import type { Admission } from './decision/admission.js'
import type { Decide, Decision } from './decision/decision.js'
import { createExchangeReview } from './decision/review-exchange.js'
import { createResultReview } from './decision/review-result.js'
import type { GuardedAnswer, RefusedExchange } from './decision/reviewed-exchange.js'
import { ByteBudget } from './doors/envoy/byte-budget.js'
import { createExtAuthzDoor, type ExtAuthzDoor } from './doors/ext-authz/ext-authz-door.js'
import { createExtMcpDoor, type ExtMcpDoor } from './doors/ext-mcp/ext-mcp-door.js'
import { createExtProcDoor, type ExtProcDoor } from './doors/ext-proc/ext-proc-door.js'
import { JudgeProcessor } from './doors/ext-proc/judge-processor.js'
import { ReviewProcessor } from './doors/ext-proc/review-processor.js'
import type { ListenAddress } from './doors/grpc/listener-socket.js'
import { type AuthzenDoor, createAuthzenDoor } from './doors/http/authzen/authzen-door.js'
import type { PolicySnapshot } from './policy/snapshot.js'
import type { InboundRequest } from './protocol/inbound-request.js'
import type { SessionKeys } from './protocol/session-tag.js'

export type Door = ExtAuthzDoor | ExtProcDoor | ExtMcpDoor | AuthzenDoor

/** A listener as it is configured, or one whose connections another process of ours hands over. */
export type DoorListener = Omit<ConfigListener, 'address'> & { readonly address: ListenAddress }

export interface DoorOptions {
  readonly listener: DoorListener
  readonly decide: Decide
  /** Refuses requests while there is too much to do. Default: nothing is refused. */
  readonly admission?: Admission
  /** The snapshot in force; undefined until a first one compiled. */
  snapshot(): PolicySnapshot | undefined
  readonly sessions: SessionKeys | undefined
  onError(detail: string, error?: unknown): void
  /** A denial that the door made by itself. */
  onEmergency(decision: Decision, request?: InboundRequest): void
  /** An exchange that was refused on its way back. */
  onRefused(refused: RefusedExchange): void
  /** An answer was changed, withheld, or would have been, because of Guardrails about results. */
  onGuarded(guarded: GuardedAnswer): void
  /** A part of ours threw. */
  onBug(error: unknown): void
}

/** Milliseconds that are left to the door for saying what was decided in time. */
const marginMs = 50

/** The door that a listener wants. Throws for the operator where it must not be opened. */
export function createDoor(options: DoorOptions): Door {
  const { listener, admission, snapshot, sessions, onError, onEmergency, onRefused, onGuarded, onBug } = options
  const decide = admission?.guarding(options.decide) ?? options.decide
  switch (listener.door) {
    case 'ext-authz':
      if (admission === undefined) return createExtAuthzDoor({ decide, listener, onError, onEmergency })
      // What is refused here need not even be read.
      return createExtAuthzDoor({
        ...{ decide: admission.counting(options.decide), listener, onError, onEmergency },
        refusal: (told, read) => admission.refusal(told, read),
      })
    case 'ext-proc': {
      const { answerWithinMs = 900 } = listener
      const budget = new ByteBudget()
      const review = createExchangeReview({
        snapshot,
        // Beside it there is what is read and written.
        judgeWithinMs: Math.floor((answerWithinMs * 2) / 3),
        ...(sessions !== undefined && { sessions }),
        onRefused,
        onGuarded,
      })
      const createProcessor = listener.judgesRequests
        ? () => new JudgeProcessor({ review, decide, decideWithinMs: answerWithinMs - marginMs, budget, onError })
        : () => new ReviewProcessor(review, budget)
      return createExtProcDoor({ createProcessor, listener, onError, onEmergency })
    }
    case 'ext-mcp':
      return createExtMcpDoor({
        ...{ decide, listener, onError, onEmergency },
        reviewResult: createResultReview({ snapshot, onBug, onGuarded }),
      })
    case 'authzen': {
      const { authzen, ...common } = listener
      const findServer = (id: string) => {
        const servers = snapshot()?.servers
        const server = servers && findAskedServer(servers, id)
        return server && { name: server.name, authority: server.host, path: server.path, protocol: server.protocol }
      }
      return createAuthzenDoor({
        ...{ decide, findServer, onError, onEmergency },
        listener: { ...common, ...authzen, maxBodyBytes: listener.maxMessageBytes },
      })
    }
  }
}
