import type { GatewayProfile } from '../../src/protocol/inbound-request.js'
import { agentgateway, kubernetes, standalone } from './agentgateway.js'
import { type BufferedBody, type EnvoyVersion, envoyGateway, wholeBody } from './envoy.js'
import type { AskingGateway, GatewayRequest } from './gateway.js'

/** What the table says of a gateway, beside what clients send. */
export interface Wiring {
  /** Name of the Server. Gateways that cannot say it leave it to host and path. */
  readonly server: string
  /** Largest body that is shown. */
  readonly max?: number
}

export interface Profile {
  readonly name: string
  /** Of our listener. */
  readonly listener: GatewayProfile
  /**
   * How what this imitates is known. run: by running it here. observed: by running a build of it, whose behaviour was
   * written down. source: by reading source or documentation only.
   */
  readonly known: 'run' | 'observed' | 'source'
  readonly evidence: string
  /** Bodies come as text, which hides what certain characters were. */
  readonly text: boolean
  /** Repeated headers are told as one. */
  readonly joined: boolean
  /** A body beyond the limit is cut, and we are asked all the same. */
  readonly cuts: boolean
  readonly setting: (wiring: Wiring) => AskingGateway
}

const spiffe = 'spiffe://cluster.local/ns/agents/sa/kagent'

/** Configured after envoy/ext-authz.yaml: raw headers, bodies as bytes, whole or refused, no header with an underscore. */
function envoy(version: EnvoyVersion): Profile {
  const run = version === '1.40'
  return {
    name: `envoy ${version}`,
    listener: 'envoy',
    known: run ? 'run' : 'source',
    evidence: run
      ? 'Envoy 1.40.0, and test/e2e, test/hostile/envoy against it'
      : version === '1.37.0'
        ? 'envoy#42878, #43310, #43442: append_action alone counts'
        : 'ext_authz.cc of this release; the messages are the same as in 1.40',
    ...bytesApart,
    setting: ({ server, max }) =>
      envoyGateway({
        version,
        body: sized(wholeBody, max),
        context: { 'mcp-server': server },
        drops: name => name.includes('_'),
      }),
  }
}

const bytesApart = { text: false, joined: false, cuts: false } as const

/**
 * A CUSTOM AuthorizationPolicy (pilot/pkg/security/authz/builder/extauthz.go). No context extensions, no raw headers, no
 * metadata. Sidecars append to X-Forwarded-Client-Cert, and tell workloads of each other.
 */
const istio: Profile = {
  name: 'istio',
  listener: 'envoy',
  known: 'source',
  evidence: 'istio: extauthz.go and the MeshConfig reference (includeRequestBodyInCheck), deploy/gateways/istio',
  ...{ text: false, joined: true, cuts: false },
  setting: ({ max }) =>
    envoyGateway({
      version: '1.38',
      rawHeaders: false,
      body: sized(wholeBody, max),
      principal: spiffe,
      writes: {
        'x-forwarded-client-cert': `By=spiffe://cluster.local/ns/tools/sa/server;Hash=0;Subject="";URI=${spiffe}`,
        'x-envoy-peer-metadata-id': 'sidecar~10.0.0.7~kagent-1.agents~agents.svc.cluster.local',
        'x-envoy-peer-metadata': 'ChQKDkFQUF9DT05UQUlORVJTEgIaAA==',
        'x-envoy-attempt-count': '1',
        'x-request-id': '3b0fa3ac-4f4f-4e7a-9d55-0f4f4f4f4f4f',
      },
    }),
}

/** SecurityPolicy.extAuth: bodies as text, whole or refused; the route by name in metadata. */
const envoyGatewayProject: Profile = {
  name: 'envoy-gateway',
  listener: 'envoy',
  known: 'source',
  evidence: 'envoyproxy/gateway: internal/xds/translator/extauth.go, api/v1alpha1/ext_auth_types.go',
  ...{ text: true, joined: true, cuts: false },
  setting: ({ server, max }) =>
    envoyGateway({
      version: '1.38',
      rawHeaders: false,
      body: sized({ ...wholeBody, asBytes: false }, max),
      context: { 'mcp-server': server },
      routeMetadata: { 'envoy-gateway': { resources: [{ kind: 'HTTPRoute', name: server, namespace: 'tools' }] } },
      drops: name => name.includes('_'),
    }),
}

/** GatewayExtension.extAuth with packAsBytes, and contextExtensions of the TrafficPolicy. */
const kgateway: Profile = {
  name: 'kgateway',
  listener: 'envoy',
  known: 'source',
  evidence: 'kgateway-dev/kgateway: plugins/trafficpolicy/{gateway_extension,extauth_policy}.go, ext_auth_types.go',
  ...{ text: false, joined: true, cuts: false },
  setting: ({ server, max }) =>
    envoyGateway({
      version: '1.38',
      rawHeaders: false,
      body: sized(wholeBody, max),
      context: { 'mcp-server': server },
    }),
}

/** XAccessPolicy with ExternalAuth: bodies as text and cut, no context extensions; what the filter for MCP has read. */
const kubeAgenticNetworking: Profile = {
  name: 'kube-agentic-networking',
  listener: 'envoy',
  known: 'source',
  evidence: 'kubernetes-sigs/kube-agentic-networking: pkg/translator/{listener,accesspolicy}.go',
  ...{ text: true, joined: true, cuts: true },
  setting: ({ max }) =>
    envoyGateway({
      version: '1.38',
      rawHeaders: false,
      body: sized({ ...wholeBody, partial: true, asBytes: false }, max),
      principal: spiffe,
      metadata: request => ({ mcp_proxy: mcpMetadata(request) }),
    }),
}

const agentgatewayStandalone: Profile = {
  name: 'agentgateway',
  listener: 'agentgateway',
  known: 'observed',
  evidence: 'a build of commit 75b4e6c (after v1.4.1), standalone',
  ...{ text: false, joined: true, cuts: false },
  setting: ({ server, max }) =>
    agentgateway({ body: sized(standalone.body, max), context: { 'mcp-server': server, 'mcp-allowed-tools': 'true' } }),
}

const agentgatewayKubernetes: Profile = {
  name: 'agentgateway on Kubernetes',
  listener: 'agentgateway',
  known: 'source',
  evidence: 'agentgateway 75b4e6c: controller/pkg/agentgateway/plugins/traffic_plugin.go',
  ...{ text: true, joined: true, cuts: true },
  setting: ({ server, max }) =>
    agentgateway({ body: sized(kubernetes.body, max), context: { 'mcp-server': server, 'mcp-allowed-tools': 'true' } }),
}

export const profiles: readonly Profile[] = [
  ...(['1.36', '1.37.0', '1.38', '1.40'] as const).map(envoy),
  istio,
  envoyGatewayProject,
  kgateway,
  kubeAgenticNetworking,
  agentgatewayStandalone,
  agentgatewayKubernetes,
]

function sized<T extends BufferedBody>(body: T, max: number | undefined): BufferedBody {
  return max === undefined ? body : { ...body, max }
}

/** As envoy.filters.http.mcp tells it: method, id and the name; nothing of what it cannot read. */
function mcpMetadata({ body }: GatewayRequest): Record<string, unknown> {
  try {
    const message = JSON.parse(body?.toString('utf8') ?? '')
    if (typeof message?.method !== 'string') return {}
    return {
      ...{ jsonrpc: '2.0', method: message.method, id: message.id ?? null },
      ...(typeof message.params?.name === 'string' && { params: { name: message.params.name } }),
    }
  } catch {
    return {}
  }
}
