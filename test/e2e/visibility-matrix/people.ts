import { authorizationCodeLogin } from '../../../src/demo/authorization-code-login.js'
import { DEMO_CLIENTS, type DemoAccount, type DemoClient } from '../../../src/demo/openid-people.js'
import type { OpenIdProvider, OpenIdProviderOptions } from '../../../src/demo/openid-provider.js'

/** A person, and the software that they use. */
export interface Person {
  readonly name: string
  readonly username: string
  readonly client: DemoClient
  readonly scope: string
}

const accounts: readonly DemoAccount[] = [
  { username: 'alice', password: 'wonderland', groups: ['team-a-developers'], tenant: 'team-a' },
  { username: 'bob', password: 'builder', groups: ['viewers'], tenant: 'team-b' },
  { username: 'carol', password: 'christmas', groups: ['team-a-developers', 'auditors'], tenant: 'team-c' },
]
const redirectUri = 'http://127.0.0.1/callback'
/** Nobody lists it: an agent that only says of itself who it is. */
const notebook: DemoClient = { id: 'notebook' }
const clientOf = (id: string): DemoClient => DEMO_CLIENTS.find(client => client.id === id) ?? notebook

/** With their own hands, through an agent that is attested, and through one that is not. */
export const people: readonly Person[] = [
  { name: 'alice', username: 'alice', client: clientOf('ops-console'), scope: 'openid mcp:tools files:read' },
  { name: 'bob by release-planner', username: 'bob', client: clientOf('release-planner'), scope: 'openid mcp:tools' },
  { name: 'carol by notebook', username: 'carol', client: notebook, scope: 'openid mcp:tools' },
]

export const idpOptions: Omit<OpenIdProviderOptions, 'resource'> = {
  accounts,
  clients: [...DEMO_CLIENTS, notebook],
  scopes: ['files:read'],
  accessTokenSeconds: 7_200,
}

export function signInAs({ issuer }: OpenIdProvider, resource: string, { username, client, scope }: Person) {
  const password = accounts.find(account => account.username === username)?.password ?? ''
  const { id: clientId, secret: clientSecret } = client
  return authorizationCodeLogin({ issuer, clientId, clientSecret, redirectUri, resource, scope, username, password })
}
