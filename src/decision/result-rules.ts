import type { Activation } from '../cel/environment.js'
import type { ResultGuardrail } from '../policy/result-guardrail.js'
import { resultActivationOf } from '../policy/result-guardrail-environment.js'
import type { JsonValue } from '../protocol/json-value.js'
import type { Viewer } from './hypothetical-call.js'

/** What is known of the request that is answered. */
export interface AskedFor {
  /** undefined: not known (streams of GET, batches): every rule of the Server that is about the caller counts. */
  readonly method: string | undefined
  /** Un-prefixed. undefined with `tools/call`: not known; every rule about tools that is about the caller counts. */
  readonly tool: string | undefined
}

/** The Guardrails about results that concern the answers to one request. */
export class ResultRules {
  /** In the order of their names. */
  readonly all: readonly ResultGuardrail[]
  /** Names of documents that are not in force, and could have been such Guardrails. */
  readonly broken: readonly string[]
  readonly #viewer: Viewer
  readonly #asked: AskedFor
  readonly #begun = performance.now()

  constructor(viewer: Viewer, asked: AskedFor) {
    this.#viewer = viewer
    this.#asked = asked
    const { snapshot, server, principal } = viewer
    const catalogTool = asked.tool === undefined ? undefined : server.catalog?.tools.get(asked.tool)
    const answered = { server: server.name, ...asked, catalogTool }
    this.all = snapshot.resultGuardrails
      .ofServer(server.name)
      .filter(({ match }) => match.answer(answered) && match.caller(principal, true))
    this.broken = snapshot.broken
      .ofServer(server.name)
      .filter(({ match, aboutResults }) => aboutResults && match.answer(answered))
      .map(({ name }) => name)
  }

  enforces({ mode }: ResultGuardrail): boolean {
    return mode === 'Enforce' && this.#viewer.server.mode !== 'Audit'
  }

  /** The variables of one answer. */
  activation(result: () => JsonValue | undefined): Activation {
    const { server, principal, authority, path, now } = this.#viewer
    const { method, tool } = this.#asked
    return resultActivationOf({
      // A stream may live for long after its request.
      now: now === undefined ? Date.now() : now + (performance.now() - this.#begun),
      host: authority ?? server.host,
      path: path ?? server.path,
      ...{ server, principal, method, tool, result },
      catalogTool: tool === undefined ? undefined : server.catalog?.tools.get(tool),
    })
  }
}
