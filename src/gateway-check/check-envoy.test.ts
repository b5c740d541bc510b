import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { formatFinding } from '../documents/format-finding.js'
import { checkEnvoy, type EnvoyCheckOptions } from './check-envoy.js'
import { camelCase } from './config-node.js'
import { envoyChecks } from './envoy-checks.js'
import { type EnvoyMutation, envoyMutations, goodEnvoy, mutated } from './envoy-mutations.fixture.js'
import { extProcMutations, goodAlone, goodBeside } from './ext-proc-mutations.fixture.js'

const mutations = [...envoyMutations, ...extProcMutations]

const check = (text: string, options: EnvoyCheckOptions = {}) => checkEnvoy([{ file: 'envoy.yaml', text }], options)
const codes = (...texts: string[]) => [
  ...new Set(
    checkEnvoy(texts.map((text, index) => ({ file: `${index}.yaml`, text }))).findings.map(({ code }) => code),
  ),
]
/** goodEnvoy with one text in place of another. */
const edited = (...edits: (readonly [string, string])[]) =>
  mutated({ name: 'a test', code: 'envoy.unreadable', edits, line: '', fix: '' })
const expected = ({ code, also = [] }: EnvoyMutation) => [code, ...also].sort()

describe('a good configuration', () => {
  it('has no findings, and says what was looked at', () => {
    for (const text of [goodEnvoy, goodBeside, goodAlone])
      expect(check(text)).toEqual({ findings: [], managers: 1, checkedManagers: 1, routes: 1 })
  })

  it.each(readdirSync('envoy').filter(name => name.endsWith('.yaml')))('is envoy/%s', name => {
    const { findings, checkedManagers } = check(readFileSync(`envoy/${name}`, 'utf8'))
    expect(findings.map(formatFinding)).toEqual([])
    expect(checkedManagers).toBeGreaterThan(0)
  })
})

describe('one dangerous setting', () => {
  it.each(mutations)('$code: $name', mutation => {
    const { code, line, fix } = mutation
    const text = mutated(mutation)
    const lines = text.split('\n')
    const { findings } = check(text)
    const found = findings.find(finding => finding.code === code && lines[finding.location.line - 1]?.includes(line))
    const told = findings.map(one => `${one.location.line} ${one.code}: ${lines[one.location.line - 1]}`)
    expect(found, told.join('\n')).toBeDefined()
    expect(found?.severity).toBe(envoyChecks[code].severity)
    expect(found?.hint).toContain(fix)
    expect(codes(text).sort()).toEqual(expected(mutation))
  })

  const readable = mutations.filter(
    ({ code }) => !['envoy.unreadable', 'envoy.extra_document', 'envoy.ambiguous_field'].includes(code),
  )
  it.each(readable)('$code: $name, as JSON in camel case', mutation => {
    expect(codes(JSON.stringify(inCamelCase(parse(mutated(mutation)))))).toEqual(
      expect.arrayContaining(expected(mutation)),
    )
  })

  it('has a case for every check', () => {
    const covered = new Set<string>([
      ...mutations.map(({ code }) => code),
      'envoy.not_envoy',
      'envoy.unknown_server',
      'envoy.proc_not_judging',
    ])
    expect(Object.keys(envoyChecks).filter(code => !covered.has(code))).toEqual([])
  })
})

/** Keys as protobuf writes them in JSON; keys of free maps stay. */
function inCamelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inCamelCase)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [/[.-]/.test(key) ? key : camelCase(key), inCamelCase(inner)]),
  )
}

describe('what is no danger', () => {
  const authz = 'encode_raw_headers: true'
  const router = '          - name: envoy.filters.http.router\n'
  const route = '                route:\n                  cluster: mcp_server\n                  timeout: 0s\n'
  const settings = '                    check_settings:\n'
  it.each<[string, string]>([
    ['the other spelling of false', edited(['failure_mode_allow: false', 'failureModeAllow: off'])],
    ['true in other words', edited(['pack_as_bytes: true', 'pack_as_bytes: "true"'])],
    [
      'a number in quotes',
      edited(['                max_request_bytes: 1048576', '                max_request_bytes: "1048576"']),
    ],
    ['an enum as a number', edited(['_action: DROP_HEADER', '_action: 2'])],
    ['an enum in lower case', edited(['_action: REJECT_REQUEST', '_action: reject_request'])],
    ['a redirect for escaped slashes', edited(['_action: REJECT_REQUEST', '_action: UNESCAPE_AND_REDIRECT'])],
    ['a field that is null', edited([authz, `${authz}\n              shadow_mode: null`])],
    [
      'some requests only, when the rest is denied',
      edited([
        authz,
        `${authz}\n              filter_enabled: { default_value: { numerator: 5 } }\n              deny_at_disable: { default_value: true, runtime_key: a }`,
      ]),
    ],
    [
      'a route without the check that only answers',
      edited(
        [route, '                direct_response: { status: 200 }\n'],
        [
          `${settings}                      context_extensions: { mcp-server: kubernetes }\n`,
          '                    disabled: true\n',
        ],
      ),
    ],
    [
      'a rewrite where the route names its Server',
      edited(['                  timeout: 0s', '                  timeout: 0s\n                  prefix_rewrite: /']),
    ],
    [
      'retries of what the server has not seen',
      edited([
        '                  timeout: 0s',
        '                  timeout: 0s\n                  retry_policy: { retry_on: "connect-failure, refused-stream" }',
      ]),
    ],
    [
      'upgrades that are off',
      edited([
        'stat_prefix: mcp',
        'stat_prefix: mcp\n          upgrade_configs: [{ upgrade_type: websocket, enabled: false }]',
      ]),
    ],
    [
      'a script for responses',
      edited([
        router,
        `          - name: lua
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua, default_source_code: { inline_string: "function envoy_on_response(h) end" } }
${router}`,
      ]),
    ],
    [
      'a processor of responses',
      edited([
        router,
        `          - name: ext_proc
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor
              processing_mode: { request_header_mode: SKIP, response_header_mode: SEND }
${router}`,
      ]),
    ],
    [
      'replies of others in other words',
      edited([
        'stat_prefix: mcp',
        'stat_prefix: mcp\n          local_reply_config: { mappers: [{ filter: { response_flag_filter: { flags: [NR, UH] } }, body: { inline_string: "no" } }] }',
      ]),
    ],
    [
      'the name of the Server on the virtual host',
      edited(
        [
          'domains: ["*"]\n',
          'domains: ["*"]\n              typed_per_filter_config: { envoy.filters.http.ext_authz: { "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute, check_settings: { context_extensions: { mcp-server: a } } } }\n',
        ],
        [
          `                      context_extensions: { mcp-server: kubernetes }\n`,
          '                      context_extensions: {}\n',
        ],
      ),
    ],
    [
      'a listener that only redirects',
      edited([
        '  listeners:\n',
        `  listeners:
  - filter_chains: [{ filters: [{ name: h, typed_config: {
      "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager,
      route_config: { virtual_hosts: [{ name: a, domains: ["*"], routes: [{ match: { prefix: / }, redirect: { https_redirect: true } }] }] } } }] }]
`,
      ]),
    ],
  ])('%s', (_name, text) => {
    expect(check(text).findings.map(formatFinding)).toEqual([])
  })
})

describe('ext_proc', () => {
  const filter = '          - name: envoy.filters.http.ext_proc\n'
  const foreign = (text: string) =>
    text.replaceAll('mcp-server', 'other').replace('untyped: [envoy.filters', 'untyped: [a')

  it.each([
    ['FULL_DUPLEX_STREAMED', 'FULL_DUPLEX_STREAMED, request_trailer_mode: SEND'],
    ['a number', '2'],
  ])('alone may show bodies as %s', (_name, to) => {
    expect(
      codes(
        goodAlone.replace(/processing_mode:\n( +.*_mode: .*\n){3}/, `processing_mode: { request_body_mode: ${to} }\n`),
      ),
    ).toEqual([])
  })

  it('of somebody else decides about nothing', () => {
    expect(codes(foreign(goodAlone))).toEqual(['envoy.no_ext_authz'])
  })

  it('of somebody else is none of our business before ext_authz, and a danger after it', () => {
    const text = foreign(goodBeside)
    expect(codes(text.replace(/message_timeout: 2s/, 'message_timeout: 1ms'))).toEqual(['envoy.no_server_name'])
    const [before = '', after = ''] = text.split(filter)
    const end = after.indexOf('          - name:')
    const moved = (before + after.slice(end)).replace(
      '          - name: envoy.filters.http.router\n',
      `${filter}${after.slice(0, end)}$&`,
    )
    expect(codes(moved)).toEqual(expect.arrayContaining(['envoy.changes_after']))
  })

  it('is known by the Server that it names', () => {
    const atFilter = foreign(goodAlone).replace(
      '                timeout: 0s\n              failure',
      '                initial_metadata: [{ key: mcp-server, value: a }]\n$&',
    )
    expect(codes(atFilter)).toEqual([])
  })

  it('may be off where nothing is reached', () => {
    const wellKnown = `              - match: { path: /.well-known/a }
                direct_response: { status: 404 }
                typed_per_filter_config:
                  envoy.filters.http.ext_proc: { "@type": type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute, disabled: true }
`
    for (const text of [goodBeside, goodAlone])
      expect(codes(text.replace('          http_filters:\n', `${wellKnown}$&`))).toEqual([])
  })
})

describe('what cannot be read is not harmless', () => {
  it.each<[string, readonly [string, string], string]>([
    [
      'a placeholder for a switch',
      ['failure_mode_allow: false', `failure_mode_allow: "\${OPEN}"`],
      'envoy.failure_mode_allow',
    ],
    [
      'a placeholder for a timeout',
      ['                timeout: 2s', `                timeout: "\${T}"`],
      'envoy.timeout',
    ],
    ['an enum that nobody knows', ['DROP_HEADER', 'DROP'], 'envoy.headers_with_underscores'],
    [
      'a limit in words',
      ['              max_request_bytes: 1048576\n          -', '              max_request_bytes: 1MiB\n          -'],
      'envoy.body_size_limit',
    ],
  ])('%s', (_name, edit, code) => {
    expect(codes(edited(edit))).toEqual([code])
  })
})

describe('files', () => {
  const between = (from: string, to?: string) =>
    goodEnvoy.slice(goodEnvoy.indexOf(from), to === undefined ? undefined : goodEnvoy.indexOf(to))
  const resource = (type: string, list: string) =>
    `resources:\n${list.replace(/^ {2}- name/m, `  - "@type": type.googleapis.com/${type}\n    name`)}`
  const routes = between('            name: routes', '          http_filters:')
  const inline = `          route_config:\n${routes}`
  const byName = goodEnvoy.replace(
    inline,
    () =>
      '          rds: { route_config_name: routes, config_source: { path_config_source: { path: /etc/envoy/1.yaml } } }\n',
  )
  const routeFile = (text: string) =>
    `resources:\n- "@type": type.googleapis.com/envoy.config.route.v3.RouteConfiguration\n${text.replaceAll(/^ {10}/gm, '')}`

  it('are put together: routes by name from another file', () => {
    expect(codes(byName)).toEqual(['envoy.not_checked'])
    expect(codes(byName, routeFile(routes))).toEqual([])
    expect(codes(byName, routeFile(routes.replace('timeout: 0s', 'cluster_header: x')))).toContain(
      'envoy.client_chooses_upstream',
    )
  })

  it('are checked too when nobody uses the routes in them', () => {
    const unused = routeFile(routes.replace('timeout: 0s', 'upgrade_configs: [{ upgrade_type: websocket }]'))
    expect(codes(goodEnvoy, unused)).toContain('envoy.upgrade')
    expect(codes(unused)).toEqual(expect.arrayContaining(['envoy.no_ext_authz', 'envoy.upgrade']))
  })

  it('of resources, as for LDS and CDS by file', () => {
    const listeners = resource('envoy.config.listener.v3.Listener', between('  - name: mcp\n', '  clusters:'))
    const [first = '', second = ''] = between('  - name: mcp_authz').split('  - name: mcp_server')
    const clusters =
      resource('envoy.config.cluster.v3.Cluster', first) +
      resource('envoy.config.cluster.v3.Cluster', `  - name: mcp_server${second}`).replace('resources:\n', '')
    expect(codes(listeners, clusters)).toEqual([])
    expect(codes(listeners)).toEqual(['envoy.not_checked'])
    const bootstrap =
      'dynamic_resources: { lds_config: { path_config_source: { path: /etc/0.yaml } }, cds_config: { path: 1.yaml } }'
    expect(codes(listeners, clusters, bootstrap)).toEqual([])
    expect(codes(bootstrap)).toContain('envoy.not_checked')
  })

  it('of the admin page', () => {
    const bootstrap = parse(goodEnvoy)
    const [listener] = bootstrap.static_resources.listeners
    const dump = (changed: unknown) =>
      JSON.stringify({
        configs: [
          { '@type': 'type.googleapis.com/envoy.admin.v3.BootstrapConfigDump', bootstrap },
          {
            '@type': 'type.googleapis.com/envoy.admin.v3.ListenersConfigDump',
            dynamic_listeners: [{ name: 'mcp', active_state: { listener: changed } }],
          },
          {
            '@type': 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump',
            static_clusters: bootstrap.static_resources.clusters.map((cluster: object) => ({
              cluster: { '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster', ...cluster },
            })),
          },
        ],
      })
    const typed = { '@type': 'type.googleapis.com/envoy.config.listener.v3.Listener', ...listener }
    expect(codes(dump(typed))).toEqual([])
    const open = JSON.parse(JSON.stringify(typed).replace('"failure_mode_allow":false', '"failure_mode_allow":true'))
    expect(codes(dump(open))).toEqual(['envoy.failure_mode_allow'])
    const part = { '@type': 'type.googleapis.com/envoy.admin.v3.ListenersConfigDump.DynamicListener' }
    expect(codes(JSON.stringify({ configs: [{ ...part, active_state: { listener: open } }] })).sort()).toEqual([
      'envoy.failure_mode_allow',
      'envoy.not_checked',
    ])
  })

  it('with the API listener, default filter chains and TypedStruct', () => {
    const manager = parse(goodEnvoy).static_resources.listeners[0].filter_chains[0].filters[0].typed_config
    const open = { ...manager, normalize_path: false }
    const { clusters } = parse(goodEnvoy).static_resources
    const listening = (listener: object) => JSON.stringify({ static_resources: { listeners: [listener], clusters } })
    const struct = { '@type': 'type.googleapis.com/xds.type.v3.TypedStruct', type_url: open['@type'], value: open }
    expect(codes(listening({ api_listener: { api_listener: open } }))).toEqual(['envoy.normalize_path'])
    expect(codes(listening({ default_filter_chain: { filters: [{ name: 'h', typed_config: open }] } }))).toEqual([
      'envoy.normalize_path',
    ])
    expect(codes(listening({ filter_chains: [{ filters: [{ name: 'h', typed_config: struct }] }] }))).toEqual([
      'envoy.normalize_path',
    ])
  })

  it('with an ext_authz that comes while Envoy runs, which is not praised', () => {
    const start = goodEnvoy.indexOf(
      '            typed_config:',
      goodEnvoy.indexOf('          - name: envoy.filters.http.ext_authz'),
    )
    const end = goodEnvoy.indexOf('          - name: envoy.filters.http.router')
    const discovered = `            config_discovery:
              config_source: { ads: {} }
              type_urls: [type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz]
`
    const report = check(goodEnvoy.slice(0, start) + discovered + goodEnvoy.slice(end))
    expect(report).toMatchObject({ checkedManagers: 1, findings: [{ code: 'envoy.not_checked', severity: 'warning' }] })
  })

  it('where another filter than the router chooses the server', () => {
    const text = goodEnvoy
      .replace(
        '                route:\n                  cluster: mcp_server\n                  timeout: 0s\n',
        () => '                direct_response: { status: 404 }\n',
      )
      .replace(
        '                    check_settings:\n                      context_extensions: { mcp-server: kubernetes }\n',
        '                    disabled: true\n',
      )
    expect(codes(text)).toEqual([])
    expect(codes(text.replace('http.router.v3.Router', 'http.mcp_router.v3.McpRouter'))).toEqual([
      'envoy.route_disabled',
    ])
  })

  it.each<[string, string, string, string]>([
    ['empty', '', 'envoy.unreadable', 'empty'],
    ['only comments', '# nothing\n', 'envoy.unreadable', 'empty'],
    ['a list', '- a', 'envoy.unreadable', 'mapping'],
    ['no YAML', 'a: [', 'envoy.unreadable', ''],
    ['a merge key', 'static_resources: &a { listeners: [] }\nadmin: { <<: *a }', 'envoy.unreadable', 'merge'],
    ['something else', 'services: {}', 'envoy.not_envoy', 'neither'],
    [
      'a manifest',
      'apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: SecurityPolicy\n---\na: 1',
      'envoy.not_envoy',
      'Kubernetes',
    ],
    ['nothing that listens', 'static_resources: {}', 'envoy.no_ext_authz', 'no HTTP connection manager'],
    ['large', `a: ${'x'.repeat(1024 * 1024)}`, 'envoy.unreadable', '1 MiB'],
    ['deep', `${'{a: '.repeat(200)}1${'}'.repeat(200)}`, 'envoy.unreadable', 'nested'],
    ['very deep', `${'{a: '.repeat(100_000)}`, 'envoy.unreadable', 'nested'],
    [
      'the billion laughs',
      `a: &a [1,1,1,1,1,1,1,1,1,1]\n${[...'bcdefghij'].map((name, i) => `${name}: &${name} [${`*${'abcdefghij'[i]},`.repeat(9)}]`).join('\n')}`,
      'envoy.unreadable',
      'too large',
    ],
  ])('that are %s', (_name, text, code, message) => {
    const started = performance.now()
    const [finding] = check(text).findings
    expect(finding).toMatchObject({ code, severity: 'error' })
    expect(finding?.message).toContain(message)
    expect(performance.now() - started).toBeLessThan(3000)
  })

  it('are reported in their order, and an alias only once', () => {
    const anchored = goodEnvoy
      .replace('                typed_per_filter_config:\n', '                typed_per_filter_config: &checked\n')
      .replace(
        'context_extensions: {',
        'disable_request_body_buffering: true\n                      context_extensions: {',
      )
      .replace(
        '          http_filters:\n',
        '              - { match: { path: /b }, route: { cluster: mcp_server, timeout: 0s }, typed_per_filter_config: *checked }\n          http_filters:\n',
      )
    expect(check(anchored)).toMatchObject({ findings: [{ code: 'envoy.route_body' }], routes: 2 })
    const files = ['b.yaml', 'a.yaml'].map(file => ({ file, text: '- a' }))
    expect(checkEnvoy(files).findings.map(({ location }) => location.file)).toEqual(['b.yaml', 'a.yaml'])
  })
})

describe('together with our own configuration', () => {
  it('knows the Servers', () => {
    const [finding] = check(goodEnvoy, { servers: new Set(['files', 'default/files']) }).findings
    expect(finding).toMatchObject({ code: 'envoy.unknown_server', hint: 'there are: files' })
    expect(check(goodEnvoy, { servers: new Set(['kubernetes']) }).findings).toEqual([])
  })

  it('knows the Servers that ext_proc is told of', () => {
    for (const text of [goodBeside, goodAlone]) {
      expect(check(text, { servers: new Set(['kubernetes']) }).findings).toEqual([])
      const [finding] = check(text, { servers: new Set(['files']) }).findings
      expect(finding).toMatchObject({ code: 'envoy.unknown_server', hint: 'there are: files' })
    }
  })

  it('does not take for a name what the admin page does not show', () => {
    for (const text of [goodEnvoy, goodBeside]) {
      const dumped = text.replace('mcp-server: kubernetes', 'mcp-server: "[redacted]"')
      expect(check(dumped, { servers: new Set(['kubernetes']) }).findings).toEqual([])
    }
  })

  it('knows whether ext_proc may stand alone', () => {
    expect(check(goodAlone, { judgesRequests: true }).findings).toEqual([])
    expect(check(goodBeside, { judgesRequests: false }).findings).toEqual([])
    expect(check(goodAlone, { judgesRequests: false }).findings).toMatchObject([
      { code: 'envoy.proc_not_judging', severity: 'error' },
    ])
  })

  it('knows how large a message may be', () => {
    expect(check(goodEnvoy, { maxMessageBytes: 1024 * 1024 }).findings).toMatchObject([
      { code: 'envoy.max_request_bytes_too_large' },
    ])
  })
})

describe('any file', () => {
  it('is checked without an exception, whatever stands in the place of a value', () => {
    const good: unknown[] = [goodEnvoy, goodBeside].map(text => parse(text))
    const places = good.flatMap(one => pathsOf(one).map(path => ({ one, path })))
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 3 }), ({ one, path }, value) => {
        const text = JSON.stringify(replaced(one, path, value))
        for (const { location } of check(text).findings) expect(location.line).toBe(1)
      }),
      { numRuns: 1000 },
    )
  })
})

function pathsOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))]
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by
  if (Array.isArray(value))
    return value.map((inner, index) => (String(index) === key ? replaced(inner, rest, by) : inner))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, name === key ? replaced(inner, rest, by) : inner]),
  )
}
