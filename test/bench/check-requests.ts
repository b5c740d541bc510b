import { envoy } from '../../gen/wire.js'

/** Bytes of the JSON-RPC message, which is what agents send on an ordinary day. */
const bodyBytes = 1024

/** A `resources_scale` of the kubernetes catalogue, 1 KiB long, as Envoy shows it to an authorizer. */
export function scaleRequest(token: string, replicas: number): Buffer {
  return checkRequest(requestHeaders(token, bodyBytes), scaleMessage(replicas), 'kubernetes')
}

/** The same as a client sends it to the gateway, over HTTP/1.1. */
export function scaleHttpRequest(token: string, replicas: number): Buffer {
  const fromClient = Object.entries(requestHeaders(token, bodyBytes)).filter(([name]) => !/^(?::|x-)/.test(name))
  const lines = [
    'POST /mcp HTTP/1.1',
    'host: mcp.example.com',
    ...fromClient.map(([name, value]) => `${name}: ${value}`),
  ]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), scaleMessage(replicas)])
}

/** A request for the tools of a Server. */
export function listRequest(token: string, server: string): Buffer {
  const body = Buffer.from('{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{}}')
  return checkRequest(requestHeaders(token, body.length), body, server)
}

/** The headers of a POST, pseudo headers first. A session that is "" is none. */
export function requestHeaders(
  token: string,
  contentLength: number,
  session = 'c1b1f8f2-6d3c-4f0e-8a55-0f6ad7f0a9b3',
): Readonly<Record<string, string>> {
  return {
    ':method': 'POST',
    ':path': '/mcp',
    ':authority': 'mcp.example.com',
    ':scheme': 'https',
    accept: 'application/json, text/event-stream',
    'accept-encoding': 'gzip, deflate',
    'accept-language': '*',
    authorization: `Bearer ${token}`,
    'content-length': String(contentLength),
    'content-type': 'application/json',
    'mcp-protocol-version': '2025-11-25',
    ...(session !== '' && { 'mcp-session-id': session }),
    'sec-fetch-mode': 'cors',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'user-agent': 'sre-agent/2.3 node',
    'x-envoy-auth-partial-body': 'false',
    'x-forwarded-for': '203.0.113.9',
    'x-forwarded-proto': 'https',
    'x-request-id': '6f1c9ad0-6d2f-4a39-9b5e-3a4fd2b0c0a1',
  }
}

function checkRequest(headers: Readonly<Record<string, string>>, body: Buffer, server: string): Buffer {
  const message = envoy.service.auth.v3.CheckRequest.encode({
    attributes: {
      source: { address: { socketAddress: { address: '203.0.113.9', portValue: 40_112 } } },
      request: {
        http: {
          id: '9241557290317824311',
          method: 'POST',
          path: '/mcp',
          host: 'mcp.example.com',
          scheme: 'https',
          protocol: 'HTTP/1.1',
          headers,
          rawBody: body,
          size: body.length,
        },
      },
      contextExtensions: { 'mcp-server': server },
    },
  }).finish()
  return Buffer.from(message)
}

function scaleMessage(replicas: number): Buffer {
  const message = (note: string) => ({
    jsonrpc: '2.0',
    id: 4711,
    method: 'tools/call',
    params: {
      _meta: {
        progressToken: 17,
        traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        'example.com/conversation': {
          id: '8d6ff3b2-7c0e-4ad1-93f5-2f7b7c3a1d11',
          turn: 12,
          plan: ['inspect', 'scale'],
        },
        'example.com/note': note,
      },
      name: 'resources_scale',
      arguments: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'team-a', name: 'checkout', scale: replicas },
    },
  })
  const missing = bodyBytes - JSON.stringify(message('')).length
  const note = 'The queue of the checkout service grows; scale it so that orders are taken in time. '
  return Buffer.from(JSON.stringify(message(note.repeat(20).slice(0, missing))))
}
