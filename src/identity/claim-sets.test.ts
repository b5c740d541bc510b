import { beforeAll, describe, expect, it } from 'vitest'
import {
  accepted,
  authenticationYaml,
  configurationOf,
  epoch,
  FakeIssuer,
  requestWith,
  type SigningKey,
  setUp,
  signingKey,
} from './identity.fixture.js'

/**
 * Access tokens as known issuers make them, with the configuration that fits. Those of Keycloak, oidc-provider, SPIRE and
 * Kubernetes were taken from running ones; those of Entra ID, Okta and Auth0 are as they are commonly known, not captured.
 */
interface Recipe {
  readonly name: string
  readonly issuer: string
  /** `audiences` of the issuer. */
  readonly audience: string
  /** The rest of the entry in `jwt`. */
  readonly yaml: string
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  /** What the recipe makes of it, or why it refuses. */
  readonly user:
    | { readonly username: string; readonly uid?: string; readonly groups: readonly string[]; readonly extra?: object }
    | string
}

const mcp = 'https://mcp.example.com/mcp'
const algorithm = 'RS256'

const keycloak = {
  issuer: 'https://idp.example.com/realms/mcp',
  audience: mcp,
  yaml: `
  claimMappings:
    username: { claim: preferred_username, prefix: "" }
    groups: { claim: groups, prefix: "" }
    uid: { claim: sub }
  claimValidationRules: [{ claim: typ, requiredValue: Bearer }]`,
  header: { typ: 'at+jwt' },
}
const keycloakUser = {
  jti: 'onrtac:5f0f8a9e',
  sub: '0b3f7d1c-1111-4222-8333-444455556666',
  typ: 'Bearer',
  azp: 'mcp-cli',
  sid: 'a1b2',
  acr: '1',
  auth_time: epoch - 20,
  aud: ['agent', mcp],
  scope: 'openid mcp:tools',
  email_verified: true,
  email: 'bob@example.test',
  name: 'Bob B',
  preferred_username: 'bob',
  groups: ['/platform/sre', '/tenant-b-dev'],
}

/** preferred_username is for people to read: its owner can change it, so it names nobody. */
const entra = {
  issuer: 'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0',
  audience: 'api://mcp-gateway',
  yaml: `
  claimMappings:
    username: { claim: oid, prefix: "entra:" }
    groups: { claim: groups, prefix: "entra:" }
    uid: { claim: oid }
    extra:
    - { key: example.com/name, valueExpression: 'claims.?preferred_username.orValue("")' }
    - { key: example.com/roles, valueExpression: 'claims.?roles.orValue([])' }
  claimValidationRules:
  - { claim: tid, requiredValue: 11111111-2222-3333-4444-555555555555 }
  - { claim: ver, requiredValue: "2.0" }`,
  header: { typ: 'JWT' },
}
const entraUser = {
  aud: 'api://mcp-gateway',
  azp: '66666666-7777-8888-9999-000000000000',
  azpacr: '0',
  name: 'Bob B',
  oid: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
  preferred_username: 'bob@example.test',
  scp: 'mcp.tools',
  sid: 'b1c2',
  sub: 'pairwise-id',
  tid: '11111111-2222-3333-4444-555555555555',
  uti: 'x',
  ver: '2.0',
  groups: ['99999999-0000-1111-2222-333333333333'],
}

const okta = {
  issuer: 'https://example.okta.com/oauth2/default',
  audience: 'api://mcp',
  yaml: `
  claimMappings:
    username: { claim: sub, prefix: "" }
    groups: { claim: groups, prefix: "okta:" }
    uid: { expression: 'claims.?uid.orValue(claims.cid)' }`,
  header: {},
}
const auth0 = {
  issuer: 'https://example.eu.auth0.com/',
  audience: mcp,
  yaml: `
  claimMappings:
    username: { claim: sub, prefix: "auth0:" }
    groups: { expression: 'claims[?"https://example.com/groups"].orValue([])' }
    extra:
    - { key: example.com/permissions, valueExpression: 'claims.?permissions.orValue([])' }`,
  header: { typ: 'at+jwt' },
}
const kubernetes = {
  issuer: 'https://kubernetes.default.svc.cluster.local',
  audience: mcp,
  yaml: `
  claimMappings:
    username: { expression: '"system:serviceaccount:" + claims["kubernetes.io"].namespace + ":" + claims["kubernetes.io"].serviceaccount.name' }
    groups: { expression: '["system:serviceaccounts", "system:serviceaccounts:" + claims["kubernetes.io"].namespace]' }
    uid: { expression: 'claims.kubernetes__dot__io.serviceaccount.uid' }
    extra:
    - { key: example.com/pod, valueExpression: 'claims.kubernetes__dot__io.?pod.name.orValue("")' }`,
  header: {},
}
const serviceAccount = {
  aud: [mcp],
  iat: epoch - 10,
  nbf: epoch - 10,
  jti: '6d1c',
  'kubernetes.io': {
    namespace: 'tenant-a',
    node: { name: 'node-1', uid: 'n' },
    pod: { name: 'agent-7d9f', uid: 'p' },
    serviceaccount: { name: 'agent', uid: 'u-1' },
    warnafter: epoch + 3607,
  },
  sub: 'system:serviceaccount:tenant-a:agent',
}
const spire = {
  issuer: 'https://spire.mcp.test',
  audience: mcp,
  yaml: `
  claimMappings:
    username: { claim: sub, prefix: "" }
    groups: { expression: '["spiffe:" + claims.sub.split("/")[2], "namespace:" + claims.sub.split("/")[4]]' }
  claimValidationRules:
  - { expression: 'claims.sub.matches("^spiffe://mcp[.]test/ns/[^/]+/sa/[^/]+$")', message: this trust domain only }`,
  header: { typ: 'JWT' },
}

const recipes: readonly Recipe[] = [
  {
    name: 'Keycloak: a user',
    ...keycloak,
    claims: keycloakUser,
    user: {
      username: 'bob',
      uid: '0b3f7d1c-1111-4222-8333-444455556666',
      groups: ['/platform/sre', '/tenant-b-dev'],
      extra: { 'authentication.kubernetes.io/credential-id': ['JTI=onrtac:5f0f8a9e'] },
    },
  },
  {
    name: 'Keycloak: a service account, with header type JWT',
    ...keycloak,
    header: { typ: 'JWT' },
    claims: {
      sub: '7f1c',
      typ: 'Bearer',
      azp: 'agent',
      aud: mcp,
      scope: '',
      preferred_username: 'service-account-agent',
      groups: ['/platform'],
    },
    user: { username: 'service-account-agent', uid: '7f1c', groups: ['/platform'] },
  },
  {
    name: 'Keycloak: an ID token',
    ...keycloak,
    header: { typ: 'JWT' },
    claims: { ...keycloakUser, typ: 'ID', aud: mcp },
    user: 'identity.token_type',
  },
  {
    name: 'Keycloak: without the scope that brings the audience',
    ...keycloak,
    claims: { ...keycloakUser, aud: undefined },
    user: 'identity.audience',
  },
  {
    name: 'RFC 9068 (oidc-provider): a client',
    issuer: 'https://as.example.com',
    audience: mcp,
    yaml: '\n  claimMappings: { username: { claim: sub, prefix: "as:" }, groups: { claim: groups, prefix: "as:" } }',
    header: { typ: 'at+jwt' },
    claims: {
      groups: ['platform'],
      jti: 'j',
      sub: 'agent',
      iat: epoch,
      scope: 'mcp:tools',
      client_id: 'agent',
      aud: mcp,
    },
    user: { username: 'as:agent', uid: '', groups: ['as:platform'] },
  },
  {
    name: 'Entra ID: a user',
    ...entra,
    claims: entraUser,
    user: {
      username: 'entra:aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      uid: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      groups: ['entra:99999999-0000-1111-2222-333333333333'],
      extra: { 'example.com/name': ['bob@example.test'] },
    },
  },
  {
    name: 'Entra ID: an application',
    ...entra,
    claims: {
      aud: 'api://mcp-gateway',
      azp: '66666666-7777-8888-9999-000000000000',
      azpacr: '1',
      idtyp: 'app',
      oid: 'app-object',
      roles: ['Mcp.Call'],
      sub: 'app-object',
      tid: entraUser.tid,
      ver: '2.0',
    },
    user: {
      username: 'entra:app-object',
      uid: 'app-object',
      groups: [],
      extra: { 'example.com/roles': ['Mcp.Call'] },
    },
  },
  {
    name: 'Entra ID: a user with too many groups for a token, whose groups are elsewhere',
    ...entra,
    claims: {
      ...entraUser,
      groups: undefined,
      _claim_names: { groups: 'src1' },
      _claim_sources: { src1: { endpoint: 'https://graph.windows.net/x/users/y/getMemberObjects' } },
    },
    user: 'identity.claims',
  },
  {
    name: 'Entra ID: a user of another tenant',
    ...entra,
    claims: { ...entraUser, tid: 'other' },
    user: 'identity.claim_rule',
  },
  {
    name: 'Entra ID: a token for Microsoft Graph',
    ...entra,
    claims: { ...entraUser, aud: '00000003-0000-0000-c000-000000000000' },
    user: 'identity.audience',
  },
  {
    name: 'Okta: a user',
    ...okta,
    claims: {
      ver: 1,
      jti: 'AT.x',
      aud: 'api://mcp',
      iat: epoch,
      cid: '0oa1',
      uid: '00u1',
      scp: ['openid', 'mcp'],
      auth_time: epoch - 60,
      sub: 'bob@example.test',
      groups: ['Everyone', 'sre'],
    },
    user: { username: 'bob@example.test', uid: '00u1', groups: ['okta:Everyone', 'okta:sre'] },
  },
  {
    name: 'Okta: a service',
    ...okta,
    claims: { ver: 1, jti: 'AT.y', aud: 'api://mcp', iat: epoch, cid: '0oa2', scp: ['mcp'], sub: '0oa2' },
    user: { username: '0oa2', uid: '0oa2', groups: [] },
  },
  {
    name: 'Auth0: a user',
    ...auth0,
    claims: {
      sub: 'auth0|5f7c',
      aud: [mcp, 'https://example.eu.auth0.com/userinfo'],
      iat: epoch,
      azp: 'client',
      client_id: 'client',
      jti: 'j',
      scope: 'openid profile',
      permissions: ['call:tools'],
      'https://example.com/groups': ['sre'],
    },
    user: {
      username: 'auth0:auth0|5f7c',
      uid: '',
      groups: ['sre'],
      extra: { 'example.com/permissions': ['call:tools'] },
    },
  },
  {
    name: 'Auth0: a machine, in the old format',
    ...auth0,
    header: { typ: 'JWT' },
    claims: {
      sub: 'client@clients',
      aud: mcp,
      iat: epoch,
      azp: 'client',
      gty: 'client-credentials',
      scope: 'call:tools',
    },
    user: { username: 'auth0:client@clients', uid: '', groups: [] },
  },
  {
    name: 'Kubernetes: a ServiceAccount of a pod',
    ...kubernetes,
    claims: serviceAccount,
    user: {
      username: 'system:serviceaccount:tenant-a:agent',
      uid: 'u-1',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:tenant-a'],
      extra: { 'example.com/pod': ['agent-7d9f'], 'authentication.kubernetes.io/credential-id': ['JTI=6d1c'] },
    },
  },
  {
    name: 'Kubernetes: a ServiceAccount by its subject, which no configuration says',
    ...kubernetes,
    yaml: '\n  claimMappings: { username: { claim: sub, prefix: "" } }',
    claims: serviceAccount,
    user: 'identity.reserved_name',
  },
  {
    name: 'Kubernetes: a ServiceAccount token for the API server',
    ...kubernetes,
    claims: { ...serviceAccount, aud: ['https://kubernetes.default.svc'] },
    user: 'identity.audience',
  },
  {
    name: 'SPIFFE: a JWT-SVID',
    ...spire,
    claims: { aud: [mcp], iat: epoch, sub: 'spiffe://mcp.test/ns/tenant-a/sa/agent' },
    user: {
      username: 'spiffe://mcp.test/ns/tenant-a/sa/agent',
      uid: '',
      groups: ['spiffe:mcp.test', 'namespace:tenant-a'],
    },
  },
  {
    name: 'SPIFFE: a JWT-SVID of another trust domain',
    ...spire,
    claims: { aud: [mcp], iat: epoch, sub: 'spiffe://mcp-test/ns/tenant-a/sa/agent' },
    user: 'identity.claim_rule',
  },
]

let key: SigningKey
beforeAll(async () => {
  key = await signingKey('one', algorithm)
})

describe('the access token of', () => {
  it.each(recipes.map(recipe => [recipe.name, recipe] as const))('%s', async (_, recipe) => {
    const { issuer, audience, yaml, header, claims, user } = recipe
    const configuration = configurationOf(
      authenticationYaml(`- issuer: { url: "${issuer}", audiences: ["${audience}"] }${yaml}`),
    )
    const { authenticator } = await setUp({ issuer: new FakeIssuer([key], issuer), configuration })
    const token = await key.sign({ iss: issuer, exp: epoch + 300, ...claims }, { typ: undefined as never, ...header })
    const answer = await authenticator.authenticate(requestWith({ authorization: `Bearer ${token}` }), {
      ...accepted,
      audiences: [audience],
    })
    authenticator.stop()
    if (typeof user === 'string') expect(answer).toMatchObject({ ok: false, reason: user })
    else {
      expect(answer).toMatchObject({
        ok: true,
        principal: {
          user: { username: user.username, uid: user.uid ?? '', groups: [...user.groups, 'system:authenticated'] },
        },
      })
      if (user.extra !== undefined && answer.ok)
        expect(Object.fromEntries(answer.principal.user.extra)).toMatchObject(user.extra)
    }
  })
})
