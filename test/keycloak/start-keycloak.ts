import { join } from 'node:path'
import { z } from 'zod'
import { startChild } from '../../src/demo/child-process.js'
import { freePorts } from '../../src/demo/free-port.js'
import { httpReady } from '../../src/demo/http-ready.js'

export interface Keycloak {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  stop(): Promise<void>
}

const startTimeoutMs = 300_000
const admin = { username: 'admin', password: crypto.randomUUID() }

/** Starts a prepared Keycloak on 127.0.0.1 with nothing in it but its own realm. Everything is gone when it ends. */
export async function startKeycloak(home: string): Promise<Keycloak> {
  const [port = 0, managementPort = 0] = await freePorts(2)
  const url = `http://127.0.0.1:${port}`
  const args = ['--http-enabled=true', '--http-host=127.0.0.1', `--http-port=${port}`, `--hostname=${url}`]
  const child = await startChild({
    name: 'keycloak',
    command: 'sh',
    args: [join(home, 'bin', 'kc.sh'), 'start', '--optimized', ...args, `--http-management-port=${managementPort}`],
    env: {
      KC_BOOTSTRAP_ADMIN_USERNAME: admin.username,
      KC_BOOTSTRAP_ADMIN_PASSWORD: admin.password,
      JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx256m',
      JAVA_OPTS_APPEND: '-XX:TieredStopAtLevel=1',
    },
  })
  try {
    await child.waitUntilReady(httpReady(`${url}/realms/master/.well-known/openid-configuration`), startTimeoutMs)
  } catch (cause) {
    await child.stop()
    throw cause
  }
  return { url, stop: async () => void (await child.stop(10_000)) }
}

const Token = z.object({ access_token: z.string() })

/** Adds a realm (the JSON of a realm export) and returns its issuer URL. */
export async function addRealm({ url }: Keycloak, realm: { readonly realm: string }): Promise<string> {
  const body = new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', ...admin })
  const login = await fetch(`${url}/realms/master/protocol/openid-connect/token`, { method: 'POST', body })
  if (!login.ok) throw new Error(`the administrator cannot log in: ${login.status} ${await login.text()}`)
  const { access_token } = Token.parse(await login.json())
  const headers = { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' }
  const added = await fetch(`${url}/admin/realms`, { method: 'POST', headers, body: JSON.stringify(realm) })
  if (!added.ok) throw new Error(`the realm cannot be added: ${added.status} ${await added.text()}`)
  return `${url}/realms/${realm.realm}`
}
