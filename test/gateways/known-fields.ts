/**
 * The members that each kind of the samples may have, as the types of its project have them: a wrong name is not found
 * out here by a cluster. `any` is a value or an object that is not looked into. Where they were read stands beside them.
 */
export type Members = { readonly [name: string]: Members | 'any' }

const target: Members = { group: 'any', kind: 'any', name: 'any' }
const service: Members = { name: 'any', namespace: 'any', port: 'any' }
const policyTarget = { targetRefs: target }

/** By `apiVersion kind`; lists are looked into item by item. */
export const knownFields: Readonly<Record<string, Members>> = {
  'v1 Service': { clusterIP: 'any', selector: 'any', ports: 'any' },
  // istioctl's own file; meshConfig: istio/api mesh/v1alpha1/config.proto.
  'install.istio.io/v1alpha1 IstioOperator': {
    meshConfig: {
      extensionProviders: {
        name: 'any',
        envoyExtAuthzGrpc: {
          ...{ service: 'any', port: 'any', timeout: 'any', failOpen: 'any', statusOnError: 'any' },
          includeRequestBodyInCheck: { maxRequestBytes: 'any', allowPartialMessage: 'any', packAsBytes: 'any' },
        },
      },
    },
  },
  // istio/api security/v1, networking/v1alpha3.
  'security.istio.io/v1 AuthorizationPolicy': {
    selector: { matchLabels: 'any' },
    action: 'any',
    provider: { name: 'any' },
    rules: {},
  },
  'security.istio.io/v1 PeerAuthentication': { selector: { matchLabels: 'any' }, mtls: { mode: 'any' } },
  'networking.istio.io/v1alpha3 EnvoyFilter': {
    workloadSelector: { labels: 'any' },
    configPatches: {
      applyTo: 'any',
      match: { context: 'any', listener: 'any' },
      patch: { operation: 'any', value: 'any' },
    },
  },
  'networking.istio.io/v1 DestinationRule': {
    host: 'any',
    trafficPolicy: { connectionPool: { http: { maxRequestsPerConnection: 'any' } } },
  },
  // kubernetes-sigs/gateway-api.
  'gateway.networking.k8s.io/v1 HTTPRoute': {
    parentRefs: { name: 'any', namespace: 'any' },
    hostnames: 'any',
    rules: { matches: { path: { type: 'any', value: 'any' } }, backendRefs: service },
  },
  'gateway.networking.k8s.io/v1beta1 ReferenceGrant': {
    from: { group: 'any', kind: 'any', namespace: 'any' },
    to: { group: 'any', kind: 'any' },
  },
  // envoyproxy/gateway api/v1alpha1: ext_auth_types.go, ext_proc_types.go, circuitbreaker_types.go, clienttrafficpolicy_types.go.
  'gateway.envoyproxy.io/v1alpha1 SecurityPolicy': {
    ...policyTarget,
    extAuth: {
      ...{ failOpen: 'any', timeout: 'any', statusOnError: 'any' },
      bodyToExtAuth: { maxRequestBytes: 'any' },
      contextExtensions: { name: 'any', type: 'any', value: 'any' },
      grpc: { backendRefs: service },
    },
  },
  'gateway.envoyproxy.io/v1alpha1 EnvoyExtensionPolicy': {
    ...policyTarget,
    extProc: {
      backendRefs: service,
      backendSettings: { circuitBreaker: { maxRequestsPerConnection: 'any' } },
      ...{ failOpen: 'any', messageTimeout: 'any' },
      processingMode: { allowModeOverride: 'any', request: { body: 'any', attributes: 'any' }, response: {} },
    },
  },
  'gateway.envoyproxy.io/v1alpha1 ClientTrafficPolicy': {
    ...policyTarget,
    path: { escapedSlashesAction: 'any' },
    headers: { withUnderscoresAction: 'any' },
    connection: { bufferLimit: 'any' },
  },
  // kgateway-dev/kgateway api/v1alpha1/kgateway: ext_auth_types.go, ext_proc_types.go, gateway_extensions_types.go.
  'gateway.kgateway.dev/v1alpha1 GatewayExtension': {
    extAuth: {
      grpcService: { backendRef: service, requestTimeout: 'any' },
      ...{ failOpen: 'any', statusOnError: 'any', clearRouteCache: 'any' },
      withRequestBody: { maxRequestBytes: 'any', allowPartialMessage: 'any', packAsBytes: 'any' },
    },
    extProc: {
      grpcService: { backendRef: service },
      ...{ failOpen: 'any', messageTimeout: 'any', allowProcessingModeOverride: 'any', routeCacheAction: 'any' },
      processingMode: {
        ...{ requestHeaderMode: 'any', requestBodyMode: 'any', responseHeaderMode: 'any', responseBodyMode: 'any' },
      },
    },
  },
  'gateway.kgateway.dev/v1alpha1 TrafficPolicy': {
    ...policyTarget,
    extAuth: { extensionRef: { name: 'any' }, contextExtensions: 'any' },
    extProc: { extensionRef: { name: 'any' } },
  },
  'gateway.kgateway.dev/v1alpha1 BackendConfigPolicy': {
    ...policyTarget,
    commonHttpProtocolOptions: { maxRequestsPerConnection: 'any' },
  },
  // kubernetes-sigs/kube-agentic-networking api/v1alpha1/accesspolicy_types.go; gateway-api HTTPExternalAuthFilter.
  'agentic.networking.x-k8s.io/v1alpha1 XAccessPolicy': {
    ...policyTarget,
    action: 'any',
    externalAuth: { protocol: 'any', backendRef: service, grpc: {}, forwardBody: { maxSize: 'any' } },
    rules: { name: 'any', source: { type: 'any', serviceAccount: { name: 'any', namespace: 'any' } } },
  },
  // agentgateway 75b4e6c, controller/api/v1alpha1/agentgateway.
  'agentgateway.dev/v1alpha1 AgentgatewayPolicy': {
    ...policyTarget,
    traffic: {
      extAuth: {
        backendRef: service,
        failureMode: 'any',
        forwardBody: { maxSize: 'any' },
        grpc: { contextExtensions: 'any' },
      },
    },
    backend: {
      http: { requestTimeout: 'any' },
      mcp: { authorization: { action: 'any', policy: { matchExpressions: 'any' } } },
    },
  },
}

/** Paths in a value that are none of these members. */
export function unknownPaths(value: unknown, members: Members | 'any', path = 'spec'): readonly string[] {
  if (members === 'any') return []
  if (Array.isArray(value)) return value.flatMap((item, at) => unknownPaths(item, members, `${path}[${at}]`))
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([name, inner]) => {
    const known = members[name]
    return known === undefined ? [`${path}.${name}`] : unknownPaths(inner, known, `${path}.${name}`)
  })
}
