import { parse, stringify } from 'yaml'
import { type ConnectedClient, connectV1 } from '../../../src/demo/clients.js'
import { certificateOf, makeReviewer, nobodyYet, untilKnown } from '../../../src/demo/kube-identity.js'
import { startKubernetesMcpServer } from '../../../src/demo/kubernetes-mcp-server.js'
import type { DemoAccount } from '../../../src/demo/openid-people.js'
import { type Stand, startStand } from '../../e2e/support/stand.js'
import { startApiServer, type TestApiServer } from '../start-api-server.js'

export interface KubeStandOptions {
  /** People who can sign in. They may do what RBAC objects in the API server say. */
  readonly accounts: readonly DemoAccount[]
  /** `spec.upstream` of the Server. */
  readonly upstream: object
  /** Credentials that kubernetes-mcp-server has of its own. Default: none. */
  readonly serverToken?: (api: TestApiServer) => Promise<string>
}

/**
 * Client → Envoy → mcp-authz, which asks a real API server by SubjectAccessReview, → kubernetes-mcp-server → the same API
 * server. People sign in at one OpenID provider, which mcp-authz and the API server know by the same document.
 */
export interface KubeStand {
  readonly api: TestApiServer
  readonly stand: Stand
  token(user: string): Promise<string>
  /** A client of the gateway. */
  throughGateway(user: string): Promise<ConnectedClient<unknown>>
  /** A client of kubernetes-mcp-server itself: what it does then only the API server decides. */
  pastGateway(user: string): Promise<ConnectedClient<unknown>>
  stop(): Promise<void>
}

export async function startKubeStand({ accounts, upstream, serverToken }: KubeStandOptions): Promise<KubeStand> {
  const api = await startApiServer({ authentication: nobodyYet })
  let stand: Stand | undefined
  try {
    const kubeconfig = await makeReviewer(api)
    const tls = await certificateOf(api)
    const token = await serverToken?.(api)
    const ownKubeconfig = await api.kubeconfig(token === undefined ? undefined : { token })
    const started = await startStand({
      idp: { tls, accounts, accessTokenSeconds: 3600 },
      startServer: () => startKubernetesMcpServer({ kubeconfig: ownKubeconfig }),
      policies: { 'identity.yaml': authenticationConfiguration(tls.ca), 'server.yaml': serverDocument(upstream) },
      config: { clusters: { local: { authorizer: 'sar', kubeconfig } } },
    })
    stand = started
    // As the policies have it, with this run's addresses in it.
    await api.setAuthentication(parse(await started.policies.read('identity.yaml')))
    const tokens = new Map<string, Promise<string>>()
    const tokenOf = (user: string): Promise<string> => {
      const known = tokens.get(user) ?? started.idp.login(user)
      tokens.set(user, known)
      return known
    }
    const [somebody] = accounts
    if (somebody === undefined) throw new Error('a stand needs an account')
    await untilKnown(api, await tokenOf(somebody.username))
    const connect = async (url: string, user: string) => connectV1({ url, token: await tokenOf(user) })
    return {
      ...{ api, stand: started, token: tokenOf },
      throughGateway: user => connect(started.url, user),
      pastGateway: user => connect(`${started.server.origin}/mcp`, user),
      stop: async () => {
        await started.stop()
        await api.stop()
      },
    }
  } catch (cause) {
    await stand?.stop()
    await api.stop()
    throw cause
  }
}

/** With the addresses of our examples, which a stand replaces by its own. */
function authenticationConfiguration(certificateAuthority: string): string {
  return stringify({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AuthenticationConfiguration',
    jwt: [
      {
        issuer: { url: 'https://idp.example.com', audiences: ['https://mcp.example.com/mcp'], certificateAuthority },
        claimMappings: {
          username: { claim: 'preferred_username', prefix: '' },
          groups: { claim: 'groups', prefix: '' },
        },
      },
    ],
  })
}

function serverDocument(upstream: object): string {
  return stringify({
    apiVersion: 'mcp-authz.dev/v1alpha1',
    kind: 'Server',
    metadata: { name: 'kubernetes' },
    spec: {
      resource: 'https://mcp.example.com/mcp',
      catalog: 'kubernetes-mcp-server',
      kubernetes: { defaultNamespace: 'default' },
      upstream,
    },
  })
}
