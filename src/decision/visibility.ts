import { CostBudget } from '../cel/environment.js'
import { decisionBudget } from '../policy/decision-budget.js'
import { refuseUri } from '../protocol/mcp/resource-uri.js'
import { toolNamePattern } from '../protocol/mcp/tool-name.js'
import type { AuthorizerReason } from '../rbac/authorizer.js'
import { catalogEntry, refuseByName } from './authorize-call.js'
import type { Failure } from './decision.js'
import { agentMissing } from './each-principal.js'
import { allOf, andThen, type Eventually } from './eventually.js'
import { failure } from './failure.js'
import { foreseeAuthorization } from './foresee-authorization.js'
import { foreseeGuardrails } from './foresee-guardrails.js'
import {
  callOf,
  type ForeseenCall,
  type HypotheticalCall,
  HypotheticalCalls,
  type ListedKind,
  type Viewer,
} from './hypothetical-call.js'
import { nameTool } from './name-tool.js'
import type { Outlook } from './outlook.js'
import { PossibleAccess } from './possible-access.js'
import { explainStep, type JudgedTrial, type Step, type Verdict } from './trial.js'
import { checkUpstreamIdentity } from './upstream-headers.js'

/** An item of a list; `name` is the uri of a resource, and the uriTemplate of a template. */
export interface ListedItem {
  readonly kind: ListedKind
  readonly name: string
}

export type Shown =
  | {
      readonly shown: true
      /** Set when permissions could not be looked up: the list should not be kept for long. */
      readonly unasked: AuthorizerReason | undefined
    }
  | { readonly shown: false; readonly why: Failure }

/** Which items of a Server's lists one caller is shown. For one answer: make a new one for the next. */
export interface Visibility {
  /**
   * Shown unless the call that the item is for is certain to be denied. Now if everything is known. Never throws, never
   * rejects. `steps` gets what every rule said.
   */
  judge(item: ListedItem, steps?: Step[]): Eventually<Shown>
  /** The same for a whole list, in its order; questions to an API server go out together, at most 16 at once. */
  judgeAll(items: readonly ListedItem[]): Eventually<readonly Shown[]>
}

/**
 * Stages 7 and 8 (DESIGN, section 5) for calls that nobody has made yet: who asks, where and for what is known; arguments,
 * operations, headers, time and address are not. One set of policies governs the list and the call, by the same code: the
 * catalogue's own `resolve` says what a tool may do, and the policies' own expressions are evaluated with unknowns.
 */
export function createVisibility(viewer: Viewer): Visibility {
  return new ServerVisibility(viewer)
}

/** Units that the expressions of one list may cost together: what a long list costs more is not evaluated, and hides nothing. */
const listBudget = 5 * decisionBudget

/** Tools that a meta-tool may call are looked through up to here. */
const mostInnerTools = 512

class ServerVisibility implements Visibility {
  readonly #viewer: Viewer
  readonly #calls: HypotheticalCalls
  readonly #access: PossibleAccess
  readonly #asks: boolean
  readonly #budget = new CostBudget(listBudget)
  #everything: { readonly verdict: Verdict } | undefined
  #anyTool: Eventually<boolean> | undefined

  constructor(viewer: Viewer) {
    this.#viewer = viewer
    this.#calls = new HypotheticalCalls(viewer)
    this.#access = new PossibleAccess(viewer.server, viewer.deadline)
    this.#asks = this.#access.embedded(viewer.server.authorizer) !== undefined
  }

  judge(item: ListedItem, steps?: Step[]): Eventually<Shown> {
    try {
      const judged = this.#judge(item, steps)
      return judged instanceof Promise ? judged.catch(() => broken) : judged
    } catch {
      return broken
    }
  }

  judgeAll(items: readonly ListedItem[]): Eventually<readonly Shown[]> {
    return allOf(items.map(item => this.judge(item)))
  }

  #judge({ kind, name }: ListedItem, steps: Step[] | undefined): Eventually<Shown> {
    const { server } = this.#viewer
    if (server.mode === 'Audit') {
      steps?.push({ ...auditStep })
      return shown
    }
    const misnamed = refuseListedName(kind, name)
    if (misnamed !== undefined) return hidden(misnamed)
    const meta = kind === 'tool' ? this.#judgeMeta(name, steps) : undefined
    if (meta !== undefined) return meta
    const call = callOf(kind, name)
    const named = nameTool(server, call)
    if (!named.ok) return hidden(named.refusal.failure)
    return this.#judgeCall(this.#calls.of(kind, call, named.tool, catalogEntry(server, call, named.tool), steps))
  }

  #judgeCall(call: HypotheticalCall): Eventually<Shown> {
    const { trial } = call
    const refused = this.#refuseEverything(trial) ?? refuseByName(trial)
    if (refused !== undefined) return told(trial, refused)
    const outlook: Outlook = Object.assign(call, {
      access: this.#access,
      foresight: this.#foresightOf(call),
      unasked: undefined,
      unscoped: undefined,
    })
    return andThen(foreseeAuthorization(outlook), verdict => {
      if (verdict !== undefined) return told(trial, verdict)
      const { unscoped } = outlook
      const { lists, denial } = this.#viewer.server
      if (unscoped !== undefined && lists.missingScopes === 'Hide') return told(trial, unscoped)
      const violated = foreseeGuardrails(outlook)
      if (violated !== undefined) return told(trial, violated)
      const { unasked } = outlook
      if (unasked === undefined) return shown
      // Of a Server that hides what it denies, nobody may learn of a tool because an API server was away.
      const text = 'permissions could not be looked up, and this server hides what it denies'
      return denial === 'hide' ? told(trial, failure(unasked, text)) : { shown: true, unasked }
    })
  }

  /** What keeps this caller from every call of the Server; worked out once. */
  #refuseEverything(trial: JudgedTrial): Verdict {
    const { server, principal } = this.#viewer
    const missing = server.principals.includes('agent') && principal.agentUser === undefined
    this.#everything ??= { verdict: missing ? agentMissing() : checkUpstreamIdentity(trial) }
    return this.#everything.verdict
  }

  /** Made when the first expression asks for it, and kept for the others about the same item. */
  #foresightOf(call: HypotheticalCall): () => ForeseenCall {
    let known: ForeseenCall | undefined
    return () => {
      known ??= this.#calls.foresight(call, this.#asks, this.#budget)
      return known
    }
  }

  /** A tool that calls others is shown where any of them is; which ones it can call, only a catalogue says. */
  #judgeMeta(name: string, steps: Step[] | undefined): Eventually<Shown> | undefined {
    const { server } = this.#viewer
    const { toolPrefix, metaTools, catalog } = server
    if (!name.startsWith(toolPrefix) || !metaTools.has(name.slice(toolPrefix.length))) return undefined
    steps?.push({ stage: 'authorization', rule: name, outcome: 'info', detail: 'calls other tools' })
    if (catalog === undefined) return shown
    this.#anyTool ??= this.#findTool(
      [...catalog.tools.keys()].filter(tool => !metaTools.has(tool)).slice(0, mostInnerTools),
      catalog.tools.size > mostInnerTools,
    )
    return andThen(this.#anyTool, any => (any ? shown : hidden(noInnerTool)))
  }

  #findTool(tools: readonly string[], otherwise: boolean): Eventually<boolean> {
    for (const [index, tool] of tools.entries()) {
      const judged = this.judge({ kind: 'tool', name: this.#viewer.server.toolPrefix + tool })
      if (judged instanceof Promise) {
        return judged.then(settled => settled.shown || this.#findTool(tools.slice(index + 1), otherwise))
      }
      if (judged.shown) return true
    }
    return otherwise
  }
}

const shown: Shown = { shown: true, unasked: undefined }

const auditStep: Step = {
  stage: 'authorization',
  rule: '',
  outcome: 'info',
  detail: 'the Server is in Audit, which hides nothing',
}

const broken: Shown = hidden(
  failure('internal.error', 'it could not be judged whether the call would be denied because of an internal error'),
)

const noInnerTool = failure('authorization.tool_unknown', 'none of the tools that it could call is shown')

function hidden(why: Failure): Shown {
  return { shown: false, why }
}

function told(trial: JudgedTrial, why: Failure): Shown {
  explainStep(trial, why.stage, why.policy, 'fail', why.message)
  return hidden(why)
}

/** A call of something with such a name or uri is refused as a message, whoever sends it. */
function refuseListedName(kind: ListedKind, name: string): Failure | undefined {
  switch (kind) {
    case 'tool':
    case 'prompt':
      return toolNamePattern.test(name)
        ? undefined
        : failure('message.name', `it has a name with which no ${kind} can be called here`)
    case 'resource': {
      const problem = refuseUri(name)
      return problem === undefined ? undefined : failure('message.uri', `its uri is ${problem}`)
    }
    case 'resourceTemplate':
      return undefined
  }
}
