/** What comes to all gateways together. An assumption about the world, unlike the inputs, which were measured. */
export interface Mix {
  readonly name: string
  readonly text: string
  /** Tokens in use at a time. */
  readonly principals: number
  /** How unequal they are: exponent of Zipf's law. */
  readonly unequal: number
  /** Seconds for which a token is good. */
  readonly tokenSeconds: number
  /** Different questions to RBAC that one principal has (verb, resource, namespace, name), and how unequal those are. */
  readonly questions: number
  readonly questionsUnequal: number
  /** Shares of the decisions; they add up to 1. */
  readonly shares: {
    readonly call: number
    readonly denied: number
    readonly list: number
    readonly initialize: number
  }
}

export const mixes: readonly Mix[] = [
  {
    name: 'people',
    text: 'people with an agent beside them: many, each now and then',
    principals: 2_000_000,
    unequal: 0.6,
    tokenSeconds: 3600,
    questions: 40,
    questionsUnequal: 1,
    shares: { call: 0.87, denied: 0.03, list: 0.06, initialize: 0.04 },
  },
  {
    name: 'batch agents',
    text: 'few software accounts that never stop, over many objects by name',
    principals: 20_000,
    unequal: 0.8,
    tokenSeconds: 3600,
    questions: 5000,
    questionsUnequal: 0.7,
    shares: { call: 0.97, denied: 0.02, list: 0.005, initialize: 0.005 },
  },
  {
    name: 'list-heavy',
    text: 'clients that list the tools again for each prompt, 50 tools at a time',
    principals: 500_000,
    unequal: 0.7,
    tokenSeconds: 900,
    questions: 20,
    questionsUnequal: 1,
    shares: { call: 0.55, denied: 0.02, list: 0.4, initialize: 0.03 },
  },
]

/** What is run for it. */
export interface Estate {
  readonly decisionsPerSecond: number
  readonly zones: number
  readonly servers: number
  readonly clusters: number
  readonly tools: number
  readonly guardrails: number
  readonly grants: number
  readonly bindings: number
  /** Share of a core that decides on an ordinary day. */
  readonly utilization: number
}

export const estate: Estate = {
  decisionsPerSecond: 1_000_000,
  zones: 3,
  servers: 1000,
  clusters: 20,
  tools: 50_000,
  guardrails: 4000,
  grants: 1000,
  bindings: 5000,
  utilization: 0.5,
}

/** Of the program: the defaults of docs/configuration.md, and what src/rbac/sar-authorizer.ts says of answers. */
export const limits = {
  /** `identity.cacheBytes`, and what is counted for a token with a few groups. */
  tokenCacheBytes: 64 * 2 ** 20,
  tokenBytes: 7 * 1024,
  /** `clusters.<name>.cacheBytes`, and what is counted for an answer. */
  answerCacheBytes: 32 * 2 ** 20,
  answerBytes: 500,
  /** Seconds that an allow is kept: without, and with a watch on RBAC (`rbacOnly`). */
  answerSeconds: 10,
  watchedAnswerSeconds: 300,
  /** Questions to one API server at a time, for each process; as many again wait. */
  inFlight: 48,
  /** Signatures that are checked at a time, and requests that wait for them. */
  verifications: 1000,
  callers: 4000,
  /** Milliseconds of decisions in one turn of the event loop. */
  maxTurnMs: 100,
  /** Seconds that the startup probe of deploy/kubernetes waits, and the memory of a pod there. */
  startupSeconds: 60,
  podBytes: 512 * 2 ** 20,
  podHeapBytes: 384 * 2 ** 20,
} as const

/** How many tokens, or answers, are remembered at most. */
export function tokenRoom(cacheBytes: number = limits.tokenCacheBytes): number {
  return Math.floor(cacheBytes / limits.tokenBytes)
}

export const answerRoom = Math.floor(limits.answerCacheBytes / limits.answerBytes)

/** Of an API server: cores that may be spent on our questions, and seats that priority and fairness gives our account. */
export const apiServer = { cores: 8, seats: 56 } as const
