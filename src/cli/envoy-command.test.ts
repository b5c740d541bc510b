import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { checkEnvoy } from '../gateway-check/check-envoy.js'
import { run } from './run.js'

async function envoy(...args: readonly string[]) {
  const out: string[] = []
  const err: string[] = []
  const code = await run(['envoy', ...args], {
    out: text => out.push(text),
    err: text => err.push(text),
    env: {},
    signal: new AbortController().signal,
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

const places = [
  '--server',
  'files',
  '--listen',
  '0.0.0.0:443',
  '--upstream',
  'files.tools.svc:8000',
  '--authz',
  '[::1]:7001',
]

describe('an Envoy configuration', () => {
  it.each(['ext-authz', 'ext-authz-and-ext-proc', 'ext-proc', 'jwt-authn', 'mtls-spiffe', 'a2a-and-llm'])(
    'of the style %s has nothing that check would find',
    async style => {
      const { code, out } = await envoy(style)
      expect(code).toBe(0)
      expect(checkEnvoy([{ file: 'envoy.yaml', text: out }], {}).findings).toEqual([])
    },
  )

  it.each(['ext-authz', 'ext-authz-and-ext-proc', 'ext-proc'])('of the style %s gets names and places', async style => {
    const { out } = await envoy(style, ...places)
    const { findings } = checkEnvoy([{ file: 'envoy.yaml', text: out }], { servers: new Set(['files']) })
    expect(findings).toEqual([])
    expect(out).not.toMatch(/(?:mcp-server|value): kubernetes/)
    // The reasons stay.
    expect(out).toContain('# MUST')
    const { listeners, clusters } = parse(out).static_resources
    expect(listeners[0].address.socket_address).toEqual({ address: '0.0.0.0', port_value: 443 })
    const [server] = clusters.filter(({ name }: { name: string }) => name === 'mcp_server')
    expect(server).toMatchObject({ type: 'STRICT_DNS' })
    expect(JSON.stringify(server)).toContain('{"address":"files.tools.svc","port_value":8000}')
    expect(JSON.stringify(clusters)).toContain('{"address":"::1","port_value":7001}')
  })

  it('takes the only Server of the policies, and its path', async () => {
    const { code, out } = await envoy('--policies', 'policies/demo')
    expect(code).toBe(0)
    expect(out).toContain('context_extensions: { mcp-server: kubernetes }')
    expect(out).toContain('match: { path: /mcp }')
  })

  it('holds a strange name as a name', async () => {
    const strange = 'a }\n  admin: { x: "y"'
    const { out } = await envoy('--server', strange)
    expect(JSON.stringify(parse(out))).toContain(JSON.stringify({ 'mcp-server': strange }).slice(1, -1))
    expect(parse(out).admin).not.toHaveProperty('x')
  })

  it.each([
    [['ext-proxy'], 'did you mean ext-proc?'],
    [['ext-authz', 'ext-proc'], 'one STYLE'],
    [['mtls-spiffe', '--listen', '0.0.0.0:443'], 'printed as it is'],
    [['ext-proc', '--answers', 'a:1'], '--answers goes with'],
    [['--upstream', 'http://a:1'], '--upstream is HOST:PORT'],
    [['--upstream', 'a:70000'], '--upstream is HOST:PORT'],
    [['--policies', 'policies/demo', '--server', 'other'], 'there is no Server "other"; there are: kubernetes'],
  ])('refuses %j', async (args, message) => {
    const { code, err } = await envoy(...args)
    expect(code).toBe(1)
    expect(err).toContain(message)
  })
})
