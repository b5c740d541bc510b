import { type InboundOptions, inbound } from '../../test/support/inbound.js'
import { policyDocument } from '../../test/support/judge.js'
import { catalogs, memorySource, namesAsTokens, person } from '../../test/support/policies.js'
import type { UserInfo } from '../identity/principal.js'
import { PolicyStore } from '../policy/policy-store.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import type { Access, Authorizer } from '../rbac/authorizer.js'
import type { AccessAttributes, UrlAttributes } from '../rbac/operation.js'
import { createDecide } from './create-decide.js'
import type { Decision } from './decision.js'
import type { Step } from './trial.js'

/** A question as one line: `alice get pods/log.apps ns/name` or `alice get /healthz`. */
export function lineOf(user: UserInfo, asked: AccessAttributes | UrlAttributes): string {
  if ('path' in asked) return `${user.username} ${asked.verb} ${asked.path}`
  const { verb, group, resource, subresource, namespace, name } = asked
  const what = `${resource}${subresource === '' ? '' : `/${subresource}`}${group === '' ? '' : `.${group}`}`
  return `${user.username} ${verb} ${what} ${namespace}/${name}`
}

export const allowed: Access = { allowed: true, reason: '' }
export const refused: Access = { allowed: false, reason: '' }
export const unreachable: Access = { allowed: false, failed: 'dependency.api_server', reason: 'down' }

/** Answers as `answer` says, now or when told to; remembers what it was asked. */
export class FakeAuthorizer implements Authorizer {
  readonly asked: string[] = []
  readonly #answer: (line: string) => Access
  readonly #waiting: { readonly line: string; readonly resolve: (access: Access) => void }[] = []
  /** Whether answers come now. */
  now: boolean

  constructor(answer: (line: string) => Access, now = true) {
    this.#answer = answer
    this.now = now
  }

  get waiting(): readonly string[] {
    return this.#waiting.map(({ line }) => line)
  }

  authorize(user: UserInfo, attributes: AccessAttributes): Access | Promise<Access> {
    return this.#ask(lineOf(user, attributes))
  }

  authorizeUrl(user: UserInfo, attributes: UrlAttributes): Access | Promise<Access> {
    return this.#ask(lineOf(user, attributes))
  }

  /** Answers one of those that wait. */
  release(index = 0): void {
    const [one] = this.#waiting.splice(index, 1)
    one?.resolve(this.#answer(one.line))
  }

  #ask(line: string): Access | Promise<Access> {
    this.asked.push(line)
    if (this.now) return this.#answer(line)
    return new Promise(resolve => this.#waiting.push({ line, resolve }))
  }
}

export interface AskedSetUp {
  /** Of the Server `srv`. */
  readonly server?: object
  readonly documents: readonly string[]
  /** Whether a Grant gives everything to everybody. Default: true. */
  readonly grant?: boolean
  readonly authorizers: Readonly<Record<string, Authorizer>>
  /** Who asks. Default: alice. */
  readonly username?: string
}

export interface AskedService {
  decide(body: unknown, options?: AskOptions): Decision | Promise<Decision>
  /** What deciding was explained with, of the last request. */
  readonly steps: readonly Step[]
}

export interface AskOptions extends InboundOptions {
  /** Milliseconds from now. */
  readonly deadlineMs?: number
}

/** A service in front of `https://srv.example.com/mcp` whose clusters are asked through these authorizers. */
export function setUpAsking({
  server = {},
  documents,
  grant = true,
  authorizers,
  username = 'alice',
}: AskedSetUp): AskedService {
  const texts = [
    policyDocument('Server', 'srv', { resource: 'https://srv.example.com/mcp', require: ['grants'], ...server }),
    ...(grant ? [everybody] : []),
    ...documents,
  ]
  const store = new PolicyStore({
    sources: [
      ...('catalog' in server ? [catalogs] : []),
      memorySource(Object.fromEntries(texts.map((text, index) => [`${index}.yaml`, text]))),
    ],
    brokenPolicies: 'refuse',
    compile: { insecureLoopbackIssuers: false },
    assemble: {
      clusters: [],
      authorizers: new Map(Object.entries(authorizers)),
      authenticator: () => ({ value: namesAsTokens({ alice: person(username) }), findings: [] }),
    },
  })
  const report = store.load()
  if (!report.inForce) throw new Error(report.findings.map(finding => finding.message).join('\n'))
  const decide = createDecide({ snapshot: () => store.current })
  const steps: Step[] = []
  return {
    steps,
    decide(body, { deadlineMs, ...options } = {}) {
      steps.length = 0
      const headers = { authorization: 'Bearer alice', ...options.headers }
      const request: InboundRequest = {
        ...inbound({ authority: 'srv.example.com', ...options, headers, body }),
        deadline: deadlineMs === undefined ? undefined : Date.now() + deadlineMs,
      }
      return decide(request, steps)
    },
  }
}

const everybody = policyDocument('Grant', 'everybody', {
  match: { servers: ['srv'], subjects: [{ kind: 'Group', name: 'system:authenticated' }] },
})

export function guardrail(name: string, validations: readonly string[], more: object = {}): string {
  return policyDocument('Guardrail', name, {
    match: { servers: ['srv'] },
    validations: validations.map(expression => ({ expression, message: expression })),
    ...more,
  })
}

/** "allow", or the reason of the denial. */
export function verdictOf(decision: Decision): string {
  return decision.outcome === 'allow' ? 'allow' : (decision.failure?.reason ?? '')
}

/** Decides, and answers what waits in the order that `pick` says, until the decision is there. */
export async function answering(
  decision: Decision | Promise<Decision>,
  authorizer: FakeAuthorizer,
  pick: (waiting: number) => number = () => 0,
): Promise<Decision> {
  if (!(decision instanceof Promise)) return decision
  let settled: Decision | undefined
  void decision.then(made => {
    settled = made
  })
  while (settled === undefined) {
    if (authorizer.waiting.length > 0) authorizer.release(pick(authorizer.waiting.length))
    await new Promise(resolve => setImmediate(resolve))
  }
  return settled
}
