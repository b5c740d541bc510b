import { describe, expect, it } from 'vitest'
import { toolsCall } from '../../test/support/inbound.js'
import { policyDocument, setUpServer } from '../../test/support/judge.js'

const guard = policyDocument('Guardrail', 'cap', {
  match: { servers: ['srv'], tools: ['scale'] },
  validations: [{ expression: 'args.replicas <= 5', message: 'at most 5 replicas' }],
})
const metaTools = [
  { tool: 'call_tool', otherArguments: ['reason'] },
  { tool: 'invoke_tool', name: 'tool_name', arguments: 'parameters', encoding: 'json' },
]
const judge = setUpServer({ metaTools }, [guard], { tools: ['scale', 'read'] })
const outer = (args: object) => toolsCall('call_tool', args)

describe('a tool that calls other tools', () => {
  it.each<[string, unknown, string]>([
    ['a call that is given', outer({ name: 'scale', arguments: { replicas: 3 } }), 'allow'],
    ['a call with what changes nothing', outer({ name: 'read', reason: 'because' }), 'allow'],
    ['a guarded argument', outer({ name: 'scale', arguments: { replicas: 9 } }), 'guardrail.violated'],
    ['a guarded argument in other case', outer({ name: 'scale', arguments: { Replicas: 9 } }), 'message.argument'],
    ['two spellings', outer({ name: 'scale', arguments: { replicas: 1, Replicas: 9 } }), 'message.folded_key'],
    ['a tool that nobody was given', outer({ name: 'delete' }), 'authorization.grant'],
    ['no name', outer({ arguments: {} }), 'message.params'],
    ['a name that is no text', outer({ name: ['scale'] }), 'message.params'],
    ['a name with a blank', outer({ name: 'scale ' }), 'message.params'],
    ['arguments that are no object', outer({ name: 'scale', arguments: '{"replicas":3}' }), 'message.params'],
    ['null arguments', outer({ name: 'scale', arguments: null }), 'message.params'],
    ['an argument that nobody expects', outer({ name: 'read', server: 'other' }), 'message.params'],
    ['the name in other case', outer({ Name: 'delete', name: 'read' }), 'message.folded_key'],
    ['itself', outer({ name: 'call_tool', arguments: { name: 'delete' } }), 'authorization.tool_unknown'],
    ['another such tool', outer({ name: 'invoke_tool' }), 'authorization.tool_unknown'],
    ['JSON in a string', toolsCall('invoke_tool', { tool_name: 'scale', parameters: '{"replicas":3}' }), 'allow'],
    [
      'a guarded argument in a string',
      toolsCall('invoke_tool', { tool_name: 'scale', parameters: '{"replicas":9}' }),
      'guardrail.violated',
    ],
    [
      'a key twice in a string',
      toolsCall('invoke_tool', { tool_name: 'scale', parameters: '{"replicas":3,"replicas":9}' }),
      'message.duplicate_key',
    ],
    [
      'an object where a string belongs',
      toolsCall('invoke_tool', { tool_name: 'read', parameters: {} }),
      'message.params',
    ],
    ['a list in a string', toolsCall('invoke_tool', { tool_name: 'read', parameters: '[]' }), 'message.params'],
    ['a tool that was given, called directly', toolsCall('read'), 'allow'],
  ])('%s', (_, body, verdict) => {
    expect(judge(body).verdict).toBe(verdict)
  })

  it('leaves the inner tool and the outer one in the record', () => {
    const { records } = judge(outer({ name: 'read' }))
    expect(records).toMatchObject([{ mcp: { target: { kind: 'tool', name: 'read' }, via: 'call_tool' } }])
  })

  it('shows policies the inner call, and through what it came', () => {
    const direct = policyDocument('Guardrail', 'direct', {
      match: { servers: ['srv'] },
      validations: [{ expression: '!has(mcp.tool.via) && mcp.tool.name == "read"', message: 'directly only' }],
    })
    const guarded = setUpServer({ metaTools }, [direct])
    expect(guarded(toolsCall('read')).verdict).toBe('allow')
    expect(guarded(outer({ name: 'read' })).verdict).toBe('guardrail.violated')
  })

  it('shows policies that look at the params those of the inner call', () => {
    const few = policyDocument('Guardrail', 'few', {
      match: { servers: ['srv'] },
      validations: [
        { expression: 'mcp.params.name == "scale" && mcp.params.arguments.replicas < 5', message: 'too many' },
      ],
    })
    const guarded = setUpServer({ metaTools }, [few])
    const inner = (replicas: number) => JSON.stringify({ replicas })
    const parsed = (replicas: number) => toolsCall('invoke_tool', { tool_name: 'scale', parameters: inner(replicas) })
    expect(guarded(parsed(3)).verdict).toBe('allow')
    expect(guarded(parsed(9)).verdict).toBe('guardrail.violated')
    expect(guarded(outer({ name: 'scale', arguments: { replicas: 9 } })).verdict).toBe('guardrail.violated')
    expect(guarded(outer({ name: 'scale' })).verdict).toBe('guardrail.error')
  })

  it('takes inner names without the prefix of the gateway', () => {
    const prefixed = setUpServer({ metaTools, toolPrefix: 'k8s_' })
    expect(prefixed(toolsCall('k8s_call_tool', { name: 'read' })).verdict).toBe('allow')
    expect(prefixed(toolsCall('k8s_call_tool', { name: 'k8s_read' })).verdict).toBe('authorization.tool_unknown')
    expect(prefixed(toolsCall('call_tool', { name: 'read' })).verdict).toBe('authorization.tool_unknown')
  })

  it.each<[string, Record<string, unknown>]>([
    ['is named twice', { metaTools: [{ tool: 'a' }, { tool: 'a', name: 'x' }] }],
    ['is named with the prefix', { toolPrefix: 'k8s_', metaTools: [{ tool: 'k8s_call_tool' }] }],
    ['has one argument for two things', { metaTools: [{ tool: 'a', name: 'x', arguments: 'x' }] }],
    ['stands at a server that speaks no MCP', { protocol: 'json', metaTools: [{ tool: 'a' }] }],
  ])('does not load when it %s', (_, spec) => {
    expect(() => setUpServer(spec)).toThrow()
  })
})

describe('a method of an extension', () => {
  const methods = ['vendor/ping', { name: 'vendor/run', target: { kind: 'tool', field: 'name' }, arguments: true }]
  const extended = setUpServer({ methods }, [guard], { methods: ['vendor/*'] })
  const run = (params: unknown) => ({ jsonrpc: '2.0', id: 1, method: 'vendor/run', params })
  it.each<[string, unknown, string]>([
    ['that names a tool', run({ name: 'scale', arguments: { replicas: 1 } }), 'allow'],
    ['that names a guarded tool', run({ name: 'scale', arguments: { replicas: 9 } }), 'guardrail.violated'],
    ['that names nothing', run({}), 'message.name'],
    ['of which nothing is known', { jsonrpc: '2.0', id: 1, method: 'vendor/ping' }, 'allow'],
    ['that nobody listed', { jsonrpc: '2.0', id: 1, method: 'vendor/other' }, 'method.unknown'],
    ['without an id', { jsonrpc: '2.0', method: 'vendor/run', params: { name: 'a' } }, 'message.id'],
  ])('%s', (_, body, verdict) => {
    expect(extended(body).verdict).toBe(verdict)
  })
  it.each<[string, unknown]>([
    ['is one of MCP', { name: 'tools/call', target: { kind: 'tool', field: 'name' } }],
    ['names a resource otherwise', { name: 'vendor/x', target: { kind: 'resource', field: 'name' } }],
  ])('does not load when it %s', (_, method) => {
    expect(() => setUpServer({ methods: [method] })).toThrow()
  })

  it('does not load when it is described twice', () => {
    const run = (kind: string) => ({ name: 'vendor/run', target: { kind, field: 'name' } })
    expect(() => setUpServer({ methods: [run('tool'), run('prompt')] })).toThrow('is described twice')
    expect(() => setUpServer({ methods: ['vendor/run', run('tool')] })).not.toThrow()
  })
})

describe('subscriptions to several resources', () => {
  const secrets = policyDocument('Guardrail', 'no-secrets', {
    match: { servers: ['srv'] },
    validations: [{ expression: '!mcp.resource.uri.startsWith("demo://secret/")', message: 'no secrets' }],
  })
  const guarded = setUpServer({}, [secrets])
  const listen = (...uris: string[]) => ({
    jsonrpc: '2.0',
    id: 1,
    method: 'subscriptions/listen',
    params: {
      notifications: { resourceSubscriptions: uris },
      _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' },
    },
  })
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' }
  it('are judged one by one, and told once', () => {
    expect(guarded(listen('demo://a', 'demo://b'), { headers }).verdict).toBe('allow')
    const { verdict, decision } = guarded(listen('demo://a', 'demo://secret/1', 'demo://secret/2'), { headers })
    expect(verdict).toBe('guardrail.violated')
    expect(decision.failure?.message).toBe('no secrets')
  })

  it('leave a bounded record in Audit, however much would have been denied', () => {
    const rules = Array.from({ length: 8 }, (_, index) =>
      policyDocument('Guardrail', `g${index}`, {
        match: { servers: ['srv'] },
        validations: [{ expression: 'false', messageExpression: '"not " + mcp.resource.uri' }],
      }),
    )
    const audited = setUpServer({ mode: 'Audit' }, rules)
    const uris = Array.from({ length: 64 }, (_, index) => `demo://${index}`)
    const { decision, records } = audited(listen(...uris), { headers })
    expect(decision.would).toHaveLength(8 * 64)
    expect(decision.metadata.get('would_deny')).toEqual(['guardrail.violated'])
    expect(records[0]?.would_deny).toHaveLength(64)
  })
})
