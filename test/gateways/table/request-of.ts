import type { GatewayRequest } from '../gateway.js'
import type { GatewayCase } from './case.js'
import type { Credentials } from './people.js'
import type { TableStand } from './stand.js'

export const authority = 'mcp.example.com'
export const serverOf = ({ server }: GatewayCase): string => server ?? 'files'

export interface Asked {
  readonly request: GatewayRequest
  readonly credentials: Credentials
}

/** The request of a case as its client sends it, with credentials of its own. */
export async function requestOf(one: GatewayCase, { people }: TableStand): Promise<Asked> {
  const { method = 'POST', path = `/${serverOf(one)}`, headers = [] } = one
  const credentials = await people.credentials(one.who, { method, url: `https://${authority}/${serverOf(one)}` })
  const own = new Set(headers.map(([name]) => name.toLowerCase()))
  const usual: (readonly [string, string])[] = [
    ...(method === 'POST' ? [['content-type', 'application/json'] as const] : []),
    ['accept', 'application/json, text/event-stream'],
    ...credentials.headers,
  ]
  const body = bodyOf(one)
  return {
    credentials,
    request: {
      ...{ method, authority, target: path, body },
      headers: [...usual.filter(([name]) => !own.has(name)), ...headers],
    },
  }
}

export function bodyOf({ body }: GatewayCase): Buffer | undefined {
  if (body === undefined || Buffer.isBuffer(body)) return body
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}
