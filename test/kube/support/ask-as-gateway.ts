import { Client, credentials } from '@grpc/grpc-js'
import { envoy } from '../../../gen/wire.js'
import { extAuthzService } from '../../../src/doors/ext-authz/ext-authz-door.js'

const { CheckRequest, CheckResponse } = envoy.service.auth.v3

/** One question and its answer, as a gateway sees them. */
export interface Asked {
  readonly allowed: boolean
  /** Reason code; "" for an allow. */
  readonly reason: string
  /** HTTP status of a denial. */
  readonly status: number
  readonly tookMs: number
}

export interface AskingGateway {
  /** A tools/call with this bearer token, for mcp.example.com/mcp. */
  call(token: string, tool: string, args: object): Promise<Asked>
  close(): void
}

/** Asks as Envoy asks, over gRPC on a port of this machine. */
export function askAsGateway(port: number): AskingGateway {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  return {
    async call(token, tool, args) {
      const started = performance.now()
      const answer = await check(client, message(token, tool, args))
      return { ...answer, tookMs: performance.now() - started }
    },
    close: () => client.close(),
  }
}

function message(token: string, name: string, args: object): Buffer {
  const body = Buffer.from(
    JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }),
  )
  const headers = {
    accept: 'application/json, text/event-stream',
    authorization: `Bearer ${token}`,
    'content-length': String(body.length),
    'content-type': 'application/json',
    'mcp-protocol-version': '2025-11-25',
    'x-envoy-auth-partial-body': 'false',
  }
  const http = {
    ...{ id: '1', method: 'POST', path: '/mcp', host: 'mcp.example.com', scheme: 'https', protocol: 'HTTP/1.1' },
    ...{ headers, rawBody: body, size: body.length },
  }
  return Buffer.from(CheckRequest.encode({ attributes: { request: { http } } }).finish())
}

async function check(client: Client, question: Buffer): Promise<Omit<Asked, 'tookMs'>> {
  const pass = (bytes: Buffer) => bytes
  const bytes = await new Promise<Buffer>((resolve, reject) =>
    client.makeUnaryRequest(`/${extAuthzService}/Check`, pass, pass, question, (error, answer) =>
      answer === undefined ? reject(error ?? new Error('no answer')) : resolve(answer),
    ),
  )
  const { deniedResponse, dynamicMetadata } = CheckResponse.decode(bytes)
  if (!deniedResponse) return { allowed: true, reason: '', status: 200 }
  const reason = dynamicMetadata?.fields?.reason?.stringValue
  return { allowed: false, reason: reason ?? '', status: Number(deniedResponse.status?.code ?? 0) }
}
