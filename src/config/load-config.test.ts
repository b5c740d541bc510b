import { describe, expect, it } from 'vitest'
import type { Finding } from '../documents/finding.js'
import type { Config } from './config.js'
import { configSpec } from './config-document.js'
import { type ConfigInput, loadConfig } from './load-config.js'

const head = 'apiVersion: mcp-authz.dev/v1alpha1\nkind: Config\n'

function load(yaml: string | undefined, more: Partial<ConfigInput> = {}) {
  return loadConfig({
    ...(yaml === undefined ? {} : { file: { path: '/etc/c/config.yaml', text: head + yaml } }),
    ...more,
  })
}

function good(yaml: string | undefined, more: Partial<ConfigInput> = {}): Config {
  const loaded = load(yaml, more)
  if (!loaded.ok) throw new Error(loaded.findings.map(finding => finding.message).join('; '))
  return loaded.config
}

function bad(yaml: string | undefined, more: Partial<ConfigInput> = {}): readonly Finding[] {
  const loaded = load(yaml, more)
  if (loaded.ok) throw new Error('loaded')
  return loaded.findings
}

const brief = ({ location, path, message, hint }: Finding) =>
  `${location.file}:${location.line}:${location.column} ${path} ${message}${hint === undefined ? '' : ` (${hint})`}`

describe('defaults', () => {
  const defaults: Config = {
    workers: 1,
    sources: [{ from: 'directory', directory: '/etc/mcp-authz', kinds: undefined }],
    shadow: undefined,
    listeners: [
      {
        name: 'ext-authz',
        door: 'ext-authz',
        judgesRequests: false,
        profile: 'envoy',
        trust: 'none',
        address: { kind: 'tcp', host: '0.0.0.0', port: 9001 },
        maxMessageBytes: 5242880,
        transport: 'grpc-js',
        maxConcurrentStreams: 1000,
        maxInFlight: 1024,
      },
    ],
    http: { host: '0.0.0.0', port: 9002 },
    admin: undefined,
    clusters: new Map([
      [
        'local',
        {
          authorizer: 'files',
          rbacOnly: false,
          connection: undefined,
          timeoutMs: 1000,
          maxInFlight: 48,
          cacheBytes: 33_554_432,
        },
      ],
    ]),
    startup: { brokenPolicies: 'refuse' },
    shutdown: { delayMs: 0, drainMs: 10_000 },
    overload: { maxTurnMs: 100, memoryBytes: undefined },
    decisionLog: {
      stdout: true,
      file: undefined,
      maxBufferedBytes: 8388608,
      rotate: undefined,
      chain: false,
      chainKeyFile: undefined,
      kubernetes: undefined,
      arguments: { mode: 'none', paths: [], patterns: [], maxBytes: 4096 },
    },
    identity: { insecureLoopbackIssuers: false, cacheBytes: 67_108_864 },
    signing: undefined,
    tokenExchange: new Map(),
    sessionKeys: [],
    log: { level: 'info' },
    spec: configSpec.parse({}),
  }

  it.each([
    ['without a file', undefined],
    ['with an empty document', ''],
    ['with an empty spec', 'spec: {}'],
  ])('%s', (_name, yaml) => expect(good(yaml)).toEqual(defaults))
})

describe('the admin listener', () => {
  const admin = (yaml: string) => good(`spec: { admin: ${yaml} }`).admin
  const local = { host: '127.0.0.1', port: 9006, hosts: [], recentDecisions: 1000 }
  it('is there when it is named, on loopback', () => expect(admin('{}')).toEqual(local))

  it('may ask for a token there too', () =>
    expect(admin('{ tokenFile: t, recentDecisions: 0 }')).toEqual({
      ...local,
      tokenFile: '/etc/c/t',
      recentDecisions: 0,
    }))

  it.each([
    ['a token', '{ host: 0.0.0.0, tokenFile: t, tls: { cert: c, key: k } }'],
    ['a client certificate', '{ host: 0.0.0.0, tls: { cert: c, key: k, clientCA: a } }'],
  ])('is for other machines with %s', (_name, yaml) => expect(admin(yaml)).toMatchObject({ host: '0.0.0.0' }))
})

describe('a file', () => {
  it('is read whole', () => {
    const config = good(`
metadata: { name: main }
spec:
  sources: [{ directory: policies, kinds: [Grant, Guardrail] }, { directory: /abs }]
  listeners:
  - { port: 9100, host: 127.0.0.1, trust: mtls, maxConnectionAgeSeconds: 60,
      tls: { cert: tls/c.pem, key: tls/k.pem, clientCA: tls/ca.pem, allowedSANs: ["spiffe://a/*"] } }
  - { name: local, socket: run/s.sock }
  - { port: 0, trust: network }
  decisionLog: { file: decisions.ndjson }
  startup: { brokenPolicies: serve }
  identity: { insecureLoopbackIssuers: true }
`)
    expect(config.sources).toEqual([
      { from: 'directory', directory: '/etc/c/policies', kinds: ['Grant', 'Guardrail'] },
      { from: 'directory', directory: '/abs', kinds: undefined },
    ])
    expect(config.listeners).toMatchObject([
      {
        name: 'ext-authz',
        trust: 'mtls',
        address: { kind: 'tcp', host: '127.0.0.1', port: 9100 },
        tls: {
          cert: '/etc/c/tls/c.pem',
          key: '/etc/c/tls/k.pem',
          clientCA: '/etc/c/tls/ca.pem',
          allowedSANs: ['spiffe://a/*'],
        },
        maxConnectionAgeMs: 60_000,
      },
      { name: 'local', trust: 'unix', address: { kind: 'unix', path: '/etc/c/run/s.sock' } },
      { name: 'ext-authz-3', trust: 'network', address: { port: 0 } },
    ])
    expect(config.decisionLog).toMatchObject({ stdout: false, file: '/etc/c/decisions.ndjson' })
  })

  it('a socket may be declared untrusted', () => {
    expect(good('spec: { listeners: [{ socket: /s, trust: none }] }').listeners[0]?.trust).toBe('none')
  })

  const broken: [string, string, string[]][] = [
    ['a misspelt field', 'spec: { htp: { port: 1 } }', ['3:9 spec.htp unknown field (did you mean http?)']],
    [
      'a misspelt field of a listener',
      'spec:\n  listeners:\n  - port: 1\n    trusted: mtls',
      ['6:5 spec.listeners[0].trusted unknown field (did you mean trust?)'],
    ],
    [
      'an empty list',
      'spec: { sources: [] }',
      ['3:18 spec.sources must not be empty (leave the field out, or list at least one)'],
    ],
    [
      'a port in quotes',
      'spec: { http: { port: "1" } }',
      ['spec.http.port must be a number, not the text "1" (write it without quotes)'],
    ],
    ['a port beyond the last', 'spec: { http: { port: 65536 } }', ['spec.http.port must be at most 65535']],
    [
      'a kind that sources cannot hold',
      'spec: { sources: [{ directory: a, kinds: [Gaurdrail] }] }',
      ['did you mean "Guardrail"?'],
    ],
    [
      'port and socket',
      'spec: { listeners: [{ port: 1, socket: /s }] }',
      ['spec.listeners[0] has both port and socket'],
    ],
    [
      'mtls without TLS',
      'spec: { listeners: [{ port: 1, trust: mtls }] }',
      ['spec.listeners[0].trust trust: mtls needs client certificates'],
    ],
    [
      'mtls without clientCA',
      'spec: { listeners: [{ port: 1, trust: mtls, tls: { cert: c, key: k } }] }',
      ['spec.listeners[0].trust trust: mtls needs client certificates'],
    ],
    [
      'names that nobody checks',
      'spec: { listeners: [{ port: 1, tls: { cert: c, key: k, allowedSANs: [a] } }] }',
      ['spec.listeners[0].tls.allowedSANs nobody checks these names'],
    ],
    [
      'TLS on a socket',
      'spec: { listeners: [{ socket: /s, tls: { cert: c, key: k } }] }',
      ['spec.listeners[0].tls TLS is not spoken'],
    ],
    [
      'one port twice',
      'spec: { listeners: [{ port: 9002 }] }',
      ['spec.http.port port 9002 is used by listener ext-authz already'],
    ],
    [
      'one name twice',
      'spec: { listeners: [{ port: 1, name: a }, { port: 2, name: a }] }',
      ['spec.listeners[1].name another listener is named a'],
    ],
    [
      'trust from the future',
      'spec: { listeners: [{ port: 1, trust: unix }] }',
      ['spec.listeners[0].trust must be one of'],
    ],
    [
      'a watch where others may decide too',
      'spec: { clusters: { prod: { authorizer: watch } } }',
      ['spec.clusters.prod.authorizer a watch sees RBAC objects only'],
    ],
    [
      'a context of nothing',
      'spec: { clusters: { prod: { authorizer: sar, context: admin } } }',
      ['spec.clusters.prod.context is a context of a kubeconfig, and there is none'],
    ],
    ['a source of nothing', 'spec: { sources: [{}] }', ['spec.sources[0] names neither a directory nor configMaps']],
    [
      'a source of both',
      'spec: { sources: [{ directory: a, configMaps: { namespace: b } }] }',
      ['spec.sources[0] has both'],
    ],
    [
      'two sources with one status',
      'spec: { sources: [{ configMaps: { namespace: b } }, { configMaps: { namespace: b, selector: c } }] }',
      ['spec.sources[1].configMaps.status sources[0] writes its status into the same ConfigMap'],
    ],
    [
      'ConfigMaps twice',
      'spec: { sources: [{ configMaps: { namespace: b } }, { configMaps: { namespace: b, status: "" } }] }',
      ['spec.sources[1].configMaps sources[0] has the same ConfigMaps'],
    ],
    [
      'ConfigMaps of a cluster that is not there',
      'spec: { sources: [{ configMaps: { cluster: prod, namespace: b } }] }',
      ['spec.sources[0].configMaps.cluster no cluster is named "prod"'],
    ],
    [
      'two clusters that would share their RBAC objects',
      'spec: { clusters: { dev: {}, prod: {} } }',
      ['spec.clusters.prod RBAC objects in files cannot be told apart by cluster'],
    ],
    [
      'an admin listener for everybody',
      'spec: { admin: { host: 0.0.0.0 } }',
      ['spec.admin nobody would check who reads', 'spec.admin.host tokens and decisions would cross the network'],
    ],
    [
      'tokens for the admin listener in the clear',
      'spec: { admin: { host: 10.0.0.1, tokenFile: t } }',
      ['spec.admin.host tokens and decisions would cross the network in the clear'],
    ],
    [
      'an admin listener with TLS and nobody who is asked',
      'spec: { admin: { host: "::", tls: { cert: c, key: k } } }',
      ['spec.admin nobody would check who reads the decisions of others'],
    ],
    [
      'names of certificates that the admin listener does not ask for',
      'spec: { admin: { tls: { cert: c, key: k, allowedSANs: [a] } } }',
      ['spec.admin.tls.allowedSANs nobody checks these names'],
    ],
    [
      'an admin listener on the port of another',
      'spec: { admin: { port: 9002 } }',
      ['spec.admin.port port 9002 is used by http already'],
    ],
    ['an address of the admin listener as one text', 'spec: { admin: "127.0.0.1:9006" }', ['spec.admin']],
    ['a name of the admin listener with a port', 'spec: { admin: { hosts: ["a:1"] } }', ['spec.admin.hosts[0]']],
    ['two documents', 'spec: {}\n---\nkind: Grant\napiVersion: a', ['more than one document']],
    ['bad YAML', 'spec: {', ['config.yaml']],
  ]
  it.each(broken)('%s is reported', (_name, yaml, expected) => {
    const found = bad(yaml).map(brief)
    expect(found).toHaveLength(expected.length)
    for (const [i, text] of expected.entries()) expect(found[i]).toContain(text)
  })

  it('another kind or version is no Config', () => {
    for (const text of ['apiVersion: mcp-authz.dev/v1alpha1\nkind: Grant\n', 'apiVersion: v1\nkind: Config\n', '']) {
      expect(loadConfig({ file: { path: 'f', text } }).ok).toBe(false)
    }
  })

  it.each([
    [
      'any certificate is the gateway',
      'spec: { listeners: [{ port: 1, trust: mtls, tls: { cert: c, key: k, clientCA: a } }] }',
      'trust',
    ],
    ['rbacOnly without effect', 'spec: { clusters: { local: { rbacOnly: true } } }', 'rbacOnly'],
    ['records that go nowhere', 'spec: { decisionLog: { stdout: false } }', 'decisionLog'],
  ])('%s is a warning', (_name, yaml, path) => {
    const loaded = load(yaml)
    expect(loaded).toMatchObject({ ok: true, warnings: [{ severity: 'warning', path: expect.stringContaining(path) }] })
  })
})

describe('clusters and their ConfigMaps', () => {
  it('asks the API server only where something needs it', () => {
    const { clusters, sources } = good(`spec:
  sources:
  - configMaps: { namespace: policies }
  - configMaps: { namespace: more, cluster: prod, status: '', events: false, selector: a=b }
    kinds: [Guardrail]
  clusters:
    local: {}
    prod: { authorizer: sar, kubeconfig: kube/config, context: prod, timeoutMs: 500, maxInFlight: 8, cacheBytes: 1048576 }
    stage: { authorizer: watch, rbacOnly: true }`)
    expect(clusters.get('local')).toMatchObject({ authorizer: 'files', connection: { kind: 'inCluster' } })
    expect(clusters.get('prod')).toEqual({
      authorizer: 'sar',
      rbacOnly: false,
      connection: { kind: 'kubeconfig', file: '/etc/c/kube/config', context: 'prod' },
      timeoutMs: 500,
      maxInFlight: 8,
      cacheBytes: 1_048_576,
    })
    expect(clusters.get('stage')).toMatchObject({ authorizer: 'watch', connection: { kind: 'inCluster' } })
    expect(sources).toEqual([
      {
        from: 'configMaps',
        cluster: 'local',
        namespace: 'policies',
        selector: 'mcp-authz.dev/policy=true',
        status: 'mcp-authz-status',
        events: true,
        kinds: ['Grant', 'Guardrail', 'Enrichment'],
      },
      {
        from: 'configMaps',
        cluster: 'prod',
        namespace: 'more',
        selector: 'a=b',
        status: undefined,
        events: false,
        kinds: ['Guardrail'],
      },
    ])
  })

  it('warns where writers of ConfigMaps could say who is trusted', () => {
    const loaded = load('spec: { sources: [{ configMaps: { namespace: p }, kinds: [Guardrail, Server] }] }')
    const warnings = loaded.ok ? loaded.warnings : []
    expect(warnings.map(brief)).toEqual([expect.stringContaining('may then write a Server')])
  })
})

describe('environment and flags', () => {
  it('win over the file, flags over the environment', () => {
    const yaml = 'spec: { http: { host: h, port: 1 }, log: { level: debug } }'
    const environment = { MCP_AUTHZ_HTTP_PORT: '2', MCP_AUTHZ_LOG_LEVEL: 'warn', HOME: '/root', MCP_AUTHZ_CONFIG: 'x' }
    const config = good(yaml, { environment, flags: [['log.level', 'error']] })
    expect(config.http).toEqual({ host: 'h', port: 2 })
    expect(config.log.level).toBe('error')
  })

  it('reach into lists, with and without a file', () => {
    const environment = {
      MCP_AUTHZ_LISTENERS_0_TRUST: 'network',
      MCP_AUTHZ_SOURCES_0_DIRECTORY: 'p',
      MCP_AUTHZ_SOURCES_0_KINDS: 'Grant, Guardrail',
    }
    const config = good(undefined, { environment, workingDirectory: '/w' })
    expect(config.listeners[0]).toMatchObject({ trust: 'network', address: { port: 9001 } })
    expect(config.sources).toEqual([{ from: 'directory', directory: '/w/p', kinds: ['Grant', 'Guardrail'] }])
    expect(good('spec: { listeners: [{ port: 5 }] }', { environment }).listeners[0]).toMatchObject({
      address: { port: 5 },
    })
  })

  const wrong: [string, Record<string, string>, string][] = [
    ['an unknown name', { MCP_AUTHZ_HTP_PORT: '1' }, 'no setting has this name (did you mean MCP_AUTHZ_HTTP_PORT?)'],
    ['no number', { MCP_AUTHZ_HTTP_PORT: '1x' }, 'must be a whole number'],
    ['no boolean', { MCP_AUTHZ_IDENTITY_INSECURE_LOOPBACK_ISSUERS: 'yes' }, 'must be true or false'],
    ['a number out of range', { MCP_AUTHZ_HTTP_PORT: '70000' }, 'at most 65535'],
    ['a word that is none', { MCP_AUTHZ_LOG_LEVEL: 'loud' }, 'must be one of'],
    ['a later rule', { MCP_AUTHZ_LISTENERS_0_TRUST: 'mtls' }, 'needs client certificates'],
  ]
  it.each(wrong)('%s is reported where it was said', (_name, environment, message) => {
    const [finding, ...more] = bad(undefined, { environment })
    expect(more).toEqual([])
    expect(finding?.location.file).toBe(`environment variable ${Object.keys(environment)[0]}`)
    expect(finding && brief(finding)).toContain(message)
  })

  it('a flag that nothing has', () => {
    expect(bad(undefined, { flags: [['http.prt', '1']] })[0]?.location.file).toBe('flag http.prt')
  })

  it('an item after a hole is an error', () => {
    expect(bad(undefined, { environment: { MCP_AUTHZ_LISTENERS_1_PORT: '1' } })[0]?.path).toBe('spec.listeners[0]')
  })

  it('what Kubernetes sets for Services is nobody’s setting', () => {
    const environment = {
      MCP_AUTHZ_SERVICE_HOST: '10.0.0.1',
      MCP_AUTHZ_SERVICE_PORT: '9001',
      MCP_AUTHZ_SERVICE_PORT_GRPC: '9001',
      MCP_AUTHZ_PORT: 'tcp://10.0.0.1:9001',
      MCP_AUTHZ_PORT_9001_TCP: 'tcp://10.0.0.1:9001',
      MCP_AUTHZ_PORT_9001_TCP_PROTO: 'tcp',
      MCP_AUTHZ_PORT_9001_TCP_PORT: '9001',
      MCP_AUTHZ_PORT_9001_TCP_ADDR: '10.0.0.1',
      MCP_AUTHZ_HTTP_PORT: 'tcp://10.0.0.2:9002',
    }
    expect(good(undefined, { environment }).http.port).toBe(9002)
  })

  it('does not change the file’s own errors', () => {
    const found = bad('spec: { http: 5 }', { environment: { MCP_AUTHZ_HTTP_PORT: '1' } })
    expect(found.map(({ location, path }) => [location.file, path])).toEqual([['/etc/c/config.yaml', 'spec.http']])
  })
})

describe('a listener with door authzen', () => {
  const listener = (more: string) => `spec:\n  listeners:\n  - door: authzen\n${more}`
  const file = '/etc/c/config.yaml'
  it.each([
    [
      'nobody checks who asks',
      '    host: 127.0.0.1\n',
      `${file}:5:5 spec.listeners[0] nobody would check who asks (name tls.clientCA or authzen.tokenFile, or use a unix socket)`,
    ],
    [
      'tokens in the clear, by default',
      '    authzen: { tokenFile: t }\n',
      `${file}:5:5 spec.listeners[0].host access tokens would cross the network in the clear (add tls, or listen on a loopback address, such as 127.0.0.1)`,
    ],
    [
      'tokens in the clear',
      '    authzen: { tokenFile: t }\n    host: 10.0.0.1\n',
      `${file}:7:11 spec.listeners[0].host access tokens would cross the network in the clear (add tls, or listen on a loopback address, such as 127.0.0.1)`,
    ],
    [
      'a name that only begins like a loopback address',
      '    authzen: { tokenFile: t }\n    host: 127.0.0.1.example.com\n',
      `${file}:7:11 spec.listeners[0].host access tokens would cross the network in the clear (add tls, or listen on a loopback address, such as 127.0.0.1)`,
    ],
    [
      'an identifier with a path',
      '    host: 127.0.0.1\n    authzen: { tokenFile: t, identifier: "https://a.example.com/" }\n',
      `${file}:7:42 spec.listeners[0].authzen.identifier the text "https://a.example.com/" is not valid: use https://host or https://host:port, without a path or a slash at the end`,
    ],
    [
      'settings of it at another door',
      '  - authzen: { tokenFile: t }\n    socket: s\n',
      `${file}:7:14 spec.listeners[1].authzen has no effect with door ext-authz (remove it, or use door: authzen)`,
    ],
  ])('%s', (_name, yaml, expected) => {
    const socket = yaml.includes('  - ') ? '    socket: a\n' : ''
    expect(bad(listener(socket + yaml)).map(brief)).toContainEqual(expected)
  })

  it('has smaller messages than the other doors unless it is said', () => {
    const sizes = (yaml: string) => good(listener(yaml)).listeners.map(one => one.maxMessageBytes)
    expect(sizes('    socket: s\n')).toEqual([1024 * 1024])
    expect(sizes('    socket: s\n    maxMessageBytes: 5242880\n')).toEqual([5 * 1024 * 1024])
  })
})

describe('settings that do nothing at their door', () => {
  it.each([
    ['authzen', 'socket: s', 'profile: agentgateway', 'profile'],
    ['authzen', 'socket: s', 'transport: native', 'transport'],
    ['authzen', 'socket: s', 'maxConcurrentStreams: 5', 'maxConcurrentStreams'],
    ['authzen', 'socket: s', 'maxConnectionAgeSeconds: 60', 'maxConnectionAgeSeconds'],
    ['ext-mcp', 'port: 9004', 'profile: envoy', 'profile'],
    ['ext-authz', 'port: 9001', 'judgesRequests: true', 'judgesRequests'],
    ['ext-mcp', 'port: 9004', 'judgesRequests: true', 'judgesRequests'],
    ['authzen', 'socket: s', 'judgesRequests: true', 'judgesRequests'],
  ])('%s, %s: %s', (door, address, setting, name) => {
    const loaded = load(`spec:\n  listeners:\n  - door: ${door}\n    ${address}\n    ${setting}\n`)
    expect(loaded.ok && loaded.warnings.map(brief)).toEqual([
      expect.stringMatching(
        new RegExp(`^/etc/c/config.yaml:7:\\d+ spec.listeners\\[0\\].${name} has no effect with door ${door} `),
      ),
    ])
  })

  it('says nothing of what has an effect', () => {
    const loaded = load('spec:\n  listeners:\n  - { profile: agentgateway, maxConcurrentStreams: 5 }\n')
    expect(loaded.ok && loaded.warnings).toEqual([])
  })
})
