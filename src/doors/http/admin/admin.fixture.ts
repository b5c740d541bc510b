import { request } from 'node:http'
import { RecentDecisions } from '../../../telemetry/recent-decisions.js'
import { type AdminDoorOptions, createAdminDoor } from './admin-door.js'
import type { AdminListener } from './admin-listener.js'

export interface Got {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string
}

/** Unlike fetch, it lets a test set Host and the like. */
export function ask(port: number, path: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const flat = Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]])
    const sent = request({ host: '127.0.0.1', port, path, method, headers: Object.fromEntries(flat) }, response => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** An admin listener about a service that is made up. */
export async function openAdmin(listener: Partial<AdminListener> = {}, more: Partial<AdminDoorOptions> = {}) {
  const errors: string[] = []
  const decisions = more.decisions ?? new RecentDecisions(1000)
  const door = createAdminDoor({
    listener: { host: '127.0.0.1', port: 0, hosts: [], ...listener },
    version: '1.2.3',
    readiness: () => ({ ready: true, reasons: ['audit: the Server files denies nothing'] }),
    metrics: () => ({ contentType: 'text/plain; version=0.0.4', text: async () => 'a 1\n' }),
    config: () => ({ kind: 'Config' }),
    policies: () => ({ revision: 'r1', documents: [] }),
    policy: (kind, name) => (kind === 'Grant' && name === 'a:b' ? 'kind: Grant\n' : undefined),
    explain: async asked => ({ ok: true, explanation: asked }),
    onError: detail => errors.push(detail),
    ...more,
    decisions,
  })
  const { port } = await door.start()
  return { door, errors, decisions, port, get: (path: string, asked?: Asked) => ask(port, path, asked) }
}
