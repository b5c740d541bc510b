import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { loadConfig } from '../../src/config/load-config.js'
import { formatFinding } from '../../src/documents/format-finding.js'
import { packageRoot } from '../../src/package-root.js'
import { kubernetes, standalone } from './agentgateway.js'
import { wholeBody } from './envoy.js'
import { besideExtAuthz, extProcAlone } from './ext-proc.js'
import { knownFields, unknownPaths } from './known-fields.js'
import { profiles } from './profiles.js'

const folder = join(packageRoot, 'deploy/gateways')
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.yaml'))

interface Document {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata?: { readonly name?: string; readonly namespace?: string }
  // biome-ignore lint/suspicious/noExplicitAny: documents of other projects, compared part by part
  readonly spec?: any
}

function documentsOf(file: string): readonly Document[] {
  return parseAllDocuments(readFileSync(join(folder, file), 'utf8'), { strict: true }).map(document => {
    expect(document.errors).toEqual([])
    return document.toJS()
  })
}

function sample(file: string, kind: string, at = 0) {
  const { spec } = documentsOf(file).filter(document => document.kind === kind)[at] ?? {}
  if (spec === undefined) throw new Error(`${file} has no ${kind}`)
  return spec
}

describe('samples for gateways', () => {
  const ours = files.filter(file => file.endsWith('mcp-authz.yaml'))
  const theirs = files.filter(file => !ours.includes(file) && file !== 'agentgateway/config.yaml')

  it.each(ours)('%s is a Config that loads', file => {
    const loaded = loadConfig({ file: { path: join(folder, file), text: readFileSync(join(folder, file), 'utf8') } })
    expect(loaded.ok ? loaded.warnings.map(formatFinding) : loaded.findings.map(formatFinding)).toEqual([])
  })

  it.each(theirs)('%s has known kinds and members', file => {
    for (const { apiVersion, kind, metadata, spec } of documentsOf(file)) {
      const known = knownFields[`${apiVersion} ${kind}`]
      expect([kind, known]).not.toEqual([kind, undefined])
      expect(unknownPaths(spec, known ?? {})).toEqual([])
      if (kind !== 'IstioOperator')
        expect(metadata).toEqual({ ...metadata, name: expect.any(String), namespace: expect.any(String) })
    }
  })

  it('are there for every gateway with a profile', () => {
    const gateways = new Set(profiles.map(({ name }) => name.split(' ')[0]).filter(name => name !== 'envoy'))
    expect(new Set(files.filter(file => file.includes('/')).map(file => file.split('/')[0]))).toEqual(gateways)
  })
})

describe('the pages about gateways', () => {
  const page = (name: string) => readFileSync(join(packageRoot, 'docs', name), 'utf8')

  it.each(profiles.map(profile => [profile.name, profile] as const))(
    'say how %s is known',
    (name, { known, evidence }) => {
      const [gateway = ''] = name.split(' ')
      const text = page(gateway === 'agentgateway' || gateway === 'envoy' ? `${gateway}.md` : `gateways/${gateway}.md`)
      expect(evidence).not.toBe('')
      if (gateway !== 'envoy') expect(text).toContain('**Not run here')
      expect(page('gateways.md').toLowerCase()).toContain(known === 'run' ? '1.40.0 | runs in our tests' : gateway)
    },
  )
})

describe('what the simulator assumes is what the samples say:', () => {
  const asMesh = {
    maxRequestBytes: wholeBody.max,
    allowPartialMessage: wholeBody.partial,
    packAsBytes: wholeBody.asBytes,
  }

  it('istio', () => {
    const [provider] = sample('istio/mesh-config.yaml', 'IstioOperator').meshConfig.extensionProviders
    expect(provider.envoyExtAuthzGrpc).toMatchObject({ failOpen: false, includeRequestBodyInCheck: asMesh })
    expect(sample('istio/authorization-policy.yaml', 'AuthorizationPolicy')).toMatchObject({
      action: 'CUSTOM',
      provider: { name: provider.name },
      rules: [{}],
    })
  })

  it('istio with ext_proc', () => {
    const { operation, value } = sample('istio/ext-proc.yaml', 'EnvoyFilter').configPatches[0].patch
    const { grpc_service, processing_mode, metadata_options, ...filter } = value.typed_config
    const settings = besideExtAuthz('kubernetes')
    expect(operation).toBe('INSERT_BEFORE')
    expect(filter).toMatchObject({ failure_mode_allow: false, allow_mode_override: true })
    expect(
      Object.fromEntries(
        grpc_service.initial_metadata.map((one: { key: string; value: string }) => [one.key, one.value]),
      ),
    ).toEqual(settings.initialMetadata)
    expect(processing_mode).toMatchObject({
      request_header_mode: 'SEND',
      request_body_mode: 'NONE',
      response_body_mode: 'NONE',
    })
    expect(settings.forwards).toEqual(expect.arrayContaining(metadata_options.forwarding_namespaces.untyped))
  })

  it('envoy-gateway', () => {
    const { extAuth } = sample('envoy-gateway/security-policy.yaml', 'SecurityPolicy')
    expect(extAuth).toMatchObject({ failOpen: false, bodyToExtAuth: { maxRequestBytes: wholeBody.max } })
    expect(extAuth.contextExtensions).toEqual([{ name: 'mcp-server', type: 'Value', value: 'kubernetes' }])
    expect(extAuth.headersToExtAuth).toBeUndefined()
    const [extProc] = sample('envoy-gateway/ext-proc.yaml', 'EnvoyExtensionPolicy').extProc
    expect(extProc).toMatchObject({
      failOpen: false,
      backendSettings: { circuitBreaker: { maxRequestsPerConnection: 900 } },
      processingMode: { allowModeOverride: true, request: { body: 'Buffered' }, response: {} },
    })
    expect(extProc.processingMode.response.body).toBeUndefined()
    expect(extProcAlone('kubernetes')).toMatchObject({ requestBody: 2, responseBody: 0 })
    expect(sample('envoy-gateway/route.yaml', 'ClientTrafficPolicy').headers.withUnderscoresAction).toBe('DropHeader')
  })

  it('kgateway', () => {
    const { extAuth } = sample('kgateway/ext-auth.yaml', 'GatewayExtension')
    expect(extAuth).toMatchObject({ failOpen: false, clearRouteCache: false, withRequestBody: asMesh })
    expect([extAuth.headersToForward, extAuth.percentageEnabled]).toEqual([undefined, undefined])
    expect(sample('kgateway/ext-auth.yaml', 'TrafficPolicy').extAuth.contextExtensions).toEqual({
      'mcp-server': 'kubernetes',
    })
    const { extProc } = sample('kgateway/ext-proc.yaml', 'GatewayExtension')
    expect(extProc).toMatchObject({ failOpen: false, allowProcessingModeOverride: true })
    expect(extProc.processingMode).toEqual({
      ...{ requestHeaderMode: 'SEND', requestBodyMode: 'BUFFERED' },
      ...{ responseHeaderMode: 'SEND', responseBodyMode: 'NONE' },
    })
  })

  it('kube-agentic-networking', () => {
    const asked = sample('kube-agentic-networking/access-policy.yaml', 'XAccessPolicy')
    const kept = sample('kube-agentic-networking/access-policy.yaml', 'XAccessPolicy', 1)
    expect(asked.externalAuth).toMatchObject({ protocol: 'GRPC', grpc: {}, forwardBody: { maxSize: 65535 } })
    // Of callers that the first does not name nobody is asked, and the second keeps them out.
    expect([asked.action, kept.action]).toEqual(['ExternalAuth', 'Allow'])
    expect([kept.rules, kept.targetRefs]).toEqual([asked.rules, asked.targetRefs])
  })

  it('agentgateway', () => {
    const [config] = documentsOf('agentgateway/config.yaml')
    const { extAuthz } = Object(config).binds[0].listeners[0].routes[0].policies
    const { max, partial, asBytes } = standalone.body
    expect(extAuthz.includeRequestBody).toEqual({
      maxRequestBytes: max,
      allowPartialMessage: partial,
      packAsBytes: asBytes,
    })
    expect(extAuthz).toMatchObject({
      failureMode: { denyWithStatus: 503 },
      policies: { http: { requestTimeout: '3s' } },
    })
    const { extAuth } = sample('agentgateway/policy.yaml', 'AgentgatewayPolicy').traffic
    expect(extAuth).toMatchObject({ failureMode: 'FailClosed', forwardBody: { maxSize: '1Mi' } })
    expect(kubernetes.body.max).toBe(1024 * 1024)
  })
})
