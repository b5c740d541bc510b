/** A person who can sign in at the demo's OpenID provider. */
export interface DemoAccount {
  readonly username: string
  readonly password: string
  readonly groups: readonly string[]
  readonly tenant: string
}

/** A program that may ask for tokens. With a secret it is confidential: an agent. Without, public: a person's console. */
export interface DemoClient {
  readonly id: string
  readonly secret?: string
  /** Groups and tenant of the tokens that the client gets for itself (client credentials). */
  readonly groups?: readonly string[]
  readonly tenant?: string
}

export const DEMO_ACCOUNTS: readonly DemoAccount[] = [
  { username: 'alice', password: 'wonderland', groups: ['team-a-developers'], tenant: 'team-a' },
  { username: 'bob', password: 'builder', groups: ['viewers'], tenant: 'team-b' },
]

export const DEMO_CLIENTS: readonly DemoClient[] = [
  { id: 'ops-console' },
  { id: 'sre-agent', secret: 'sre-agent-demo-secret', groups: ['agents'], tenant: 'team-a' },
  { id: 'release-planner', secret: 'release-planner-demo-secret', groups: ['agents'], tenant: 'team-a' },
]
