/** What the Server accepts as audience: a name, because the realm is made before anybody knows the gateway's port. */
export const audience = 'mcp-gateway'
export const toolsScope = 'mcp:tools'
export const agentSecret = 'agent-secret'

const mapper = (name: string, protocolMapper: string, config: Record<string, string>) => ({
  name,
  protocol: 'openid-connect',
  protocolMapper,
  config: { 'access.token.claim': 'true', ...config },
})

const scope = (name: string, shown: boolean, protocolMappers: readonly unknown[]) => ({
  name,
  protocol: 'openid-connect',
  attributes: { 'include.in.token.scope': String(shown) },
  protocolMappers,
})

const person = (username: string, groups: readonly string[]) => ({
  username,
  enabled: true,
  email: `${username}@example.test`,
  emailVerified: true,
  firstName: username,
  lastName: 'Example',
  credentials: [{ type: 'password', value: username }],
  groups,
})

const scopes = { defaultClientScopes: ['basic'], optionalClientScopes: [toolsScope] }

/**
 * A realm as docs/identity.md describes it: scopes of its own in place of the built-in ones, so that clients which register
 * themselves have them too. `mcp:tools` carries the audience: a token without it is for nobody.
 */
export const realm = {
  realm: 'mcp',
  enabled: true,
  sslRequired: 'none',
  accessTokenLifespan: 300,
  defaultSignatureAlgorithm: 'ES256',
  components: {
    'org.keycloak.keys.KeyProvider': [
      { name: 'es256', providerId: 'ecdsa-generated', config: { priority: ['200'], ecdsaEllipticCurveKey: ['P-256'] } },
      {
        name: 'rs256',
        providerId: 'rsa-generated',
        config: { priority: ['100'], keyUse: ['SIG'], algorithm: ['RS256'] },
      },
    ],
  },
  groups: [{ name: 'team-a-developers' }, { name: 'platform', subGroups: [{ name: 'sre' }] }],
  users: [
    person('alice', ['/team-a-developers']),
    person('bob', ['/platform/sre']),
    { username: 'service-account-agent', enabled: true, serviceAccountClientId: 'agent', groups: ['/platform'] },
  ],
  clientScopes: [
    scope('basic', false, [
      mapper('sub', 'oidc-sub-mapper', { 'introspection.token.claim': 'true' }),
      mapper('username', 'oidc-usermodel-attribute-mapper', {
        'user.attribute': 'username',
        'claim.name': 'preferred_username',
        'jsonType.label': 'String',
        'id.token.claim': 'true',
      }),
      mapper('groups', 'oidc-group-membership-mapper', { 'claim.name': 'groups', 'full.path': 'true' }),
    ]),
    scope(toolsScope, true, [
      mapper('audience', 'oidc-audience-mapper', { 'included.custom.audience': audience }),
      // Who is to exchange a token must be named in it.
      mapper('audience-agent', 'oidc-audience-mapper', { 'included.client.audience': 'agent' }),
    ]),
  ],
  defaultDefaultClientScopes: ['basic'],
  defaultOptionalClientScopes: [toolsScope],
  clients: [
    {
      clientId: 'mcp-cli',
      publicClient: true,
      standardFlowEnabled: true,
      redirectUris: ['http://127.0.0.1/*', 'http://localhost/*'],
      webOrigins: ['+'],
      attributes: { 'pkce.code.challenge.method': 'S256', 'access.token.header.type.rfc9068': 'true' },
      ...scopes,
    },
    {
      clientId: 'agent',
      secret: agentSecret,
      serviceAccountsEnabled: true,
      standardFlowEnabled: false,
      attributes: { 'standard.token.exchange.enabled': 'true', 'access.token.header.type.rfc9068': 'true' },
      ...scopes,
    },
    {
      clientId: 'bound-agent',
      secret: agentSecret,
      serviceAccountsEnabled: true,
      standardFlowEnabled: false,
      attributes: { 'dpop.bound.access.tokens': 'true' },
      ...scopes,
    },
    {
      // As Keycloak makes tokens unless told otherwise: the header says JWT.
      clientId: 'plain-agent',
      secret: agentSecret,
      serviceAccountsEnabled: true,
      standardFlowEnabled: false,
      ...scopes,
    },
  ],
}
