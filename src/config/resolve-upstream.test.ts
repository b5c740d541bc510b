import { describe, expect, it } from 'vitest'
import { loadConfig } from './load-config.js'

function load(spec: string) {
  const text = `apiVersion: mcp-authz.dev/v1alpha1\nkind: Config\nspec:\n${spec}`
  return loadConfig({ file: { path: '/etc/c/config.yaml', text } })
}

const provider = 'tokenEndpoint: https://idp.example.com/token, clientId: us'

describe('signing and tokenExchange', () => {
  it('are read with their defaults', () => {
    const loaded = load(`
  signing: { issuer: "https://authz.example.com", keys: [{ file: a.pem }, { file: /k/b.pem, optional: true }] }
  tokenExchange: { default: { ${provider}, clientSecretFile: secret } }
`)
    expect(loaded.ok && loaded.config.signing).toEqual({
      issuer: 'https://authz.example.com',
      keys: [
        { file: '/etc/c/a.pem', optional: false },
        { file: '/k/b.pem', optional: true },
      ],
      leadMs: 600_000,
      contextTokenSeconds: 30,
      accessTokenSeconds: 300,
    })
    expect(loaded.ok && loaded.config.tokenExchange).toEqual(
      new Map([
        [
          'default',
          {
            tokenEndpoint: 'https://idp.example.com/token',
            clientId: 'us',
            clientAuthentication: { method: 'client_secret_basic', secretFile: '/etc/c/secret' },
            certificateAuthority: undefined,
            timeoutMs: 1500,
            maxInFlight: 64,
          },
        ],
      ]),
    )
  })

  it.each([
    ['clientSecretFile: s', { method: 'client_secret_basic', secretFile: '/etc/c/s' }],
    ['clientAuthentication: client_secret_post, clientSecretFile: s', { method: 'client_secret_post' }],
    ['clientAuthentication: private_key_jwt, privateKeyFile: k', { method: 'private_key_jwt', keyFile: '/etc/c/k' }],
    ['clientAuthentication: none', { method: 'none' }],
  ])('authenticate by %s', (more, expected) => {
    const loaded = load(`  tokenExchange: { default: { ${provider}, ${more} } }`)
    expect(loaded.ok && loaded.config.tokenExchange.get('default')?.clientAuthentication).toMatchObject(expected)
  })

  it.each([
    ['no key', '  signing: { issuer: i, keys: [] }', 'signing.keys'],
    ['no issuer', '  signing: { keys: [{ file: a }] }', 'signing.issuer'],
    ['one file twice', '  signing: { issuer: i, keys: [{ file: a }, { file: ./a }] }', 'listed twice'],
    ['a long-lived context', '  signing: { issuer: i, keys: [{ file: a }], contextTokenSeconds: 31 }', 'contextToken'],
    ['no secret', `  tokenExchange: { default: { ${provider} } }`, 'needs clientSecretFile'],
    [
      'a secret that nobody uses',
      `  tokenExchange: { default: { ${provider}, clientAuthentication: none, clientSecretFile: s } }`,
      'does not use it',
    ],
    [
      'an endpoint without TLS',
      '  tokenExchange: { default: { tokenEndpoint: http://idp.example.com, clientId: a, clientAuthentication: none } }',
      'must begin with https://',
    ],
    [
      'an endpoint with a password',
      '  tokenExchange: { default: { tokenEndpoint: "https://a:b@idp.example.com", clientId: a, clientAuthentication: none } }',
      'user name or password',
    ],
  ])('refuse %s', (_name, spec, message) => {
    const loaded = load(spec)
    const texts = loaded.ok ? [] : loaded.findings.map(finding => `${finding.path} ${finding.message}`)
    expect(texts.join('\n')).toContain(message)
  })
})
