import { describe, expect, it } from 'vitest'
import { readDocuments } from '../documents/read-documents.js'
import { readAuthenticationConfiguration } from './authentication-configuration.js'
import { AuthenticatorSource } from './authenticator-source.js'
import { documentOf, identityYaml } from './identity.fixture.js'
import { readIdentityDocument } from './identity-document.js'

const options = { insecureLoopbackIssuers: true }
const configuration = (issuer: string, alias = '') => {
  const { documents } = readDocuments(
    `${alias}.yaml`,
    `apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: { url: "${issuer}", audiences: [a] }
  claimMappings: { username: { claim: sub, prefix: "" } }
`,
  )
  const [document] = documents
  const read = document && readAuthenticationConfiguration(document, options).value
  if (!read) throw new Error('the configuration does not compile')
  return read
}
/** Port 9 of loopback refuses at once. */
const unreachable = 'http://127.0.0.1:9'

describe('AuthenticatorSource', () => {
  it('gives the same authenticator for the same documents', () => {
    const source = new AuthenticatorSource({ now: Date.now })
    const one = configuration(unreachable)
    const first = source.for([one], undefined).value
    expect(source.for([one], undefined).value).toBe(first)
    expect(source.for([configuration(unreachable)], undefined).value).not.toBe(first)
    source.stop()
  })

  it('keeps the one in force when documents contradict each other', () => {
    const source = new AuthenticatorSource({ now: Date.now })
    const good = source.for([configuration(unreachable)], undefined).value
    const twice = source.for([configuration(unreachable, 'a'), configuration(unreachable, 'b')], undefined)
    expect(twice.value).toBe(good)
    expect(twice.findings).toMatchObject([{ severity: 'error' }])
    source.stop()
  })

  it('has none when the first documents contradict each other', () => {
    const source = new AuthenticatorSource({ now: Date.now })
    expect(
      source.for([configuration(unreachable, 'a'), configuration(unreachable, 'b')], undefined).value,
    ).toBeUndefined()
  })

  it('says which issuers have no keys yet, after one try', async () => {
    const source = new AuthenticatorSource({ now: Date.now })
    const { value } = source.for([configuration(unreachable)], undefined)
    await source.started()
    expect(value?.ready).toBe(false)
    expect(value?.pending).toEqual([expect.stringContaining(unreachable)])
    source.stop()
  })

  it.each([
    ['is refused where it has no connection', new Map(), ['there is no cluster "local" whose API server can be asked']],
    ['is taken where its connection is not open here', new Map([['local', undefined]]), []],
    ['is taken where nobody knows the clusters', undefined, []],
  ])('a cluster in a document %s', (_, clusters, expected) => {
    const source = new AuthenticatorSource({ now: Date.now, ...(clusters && { clusters }) })
    const spec = '{ issuers: { "https://kubernetes.default.svc": { tokenReview: { cluster: local } } } }'
    const { value, findings } = source.for([], readIdentityDocument(documentOf(identityYaml(spec))).value)
    expect(findings.map(({ message }) => message)).toEqual(expected)
    expect(value === undefined).toBe(expected.length > 0)
    source.stop()
  })
})
