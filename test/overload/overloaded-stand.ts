import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AuthzProcess, startAuthz } from '../../src/demo/authz-process.js'
import { extAuthzService } from '../../src/doors/ext-authz/ext-authz-door.js'
import { scaleRequest } from '../bench/check-requests.js'
import { Http2Connection } from '../bench/http2-connection.js'
import { writePolicies } from '../bench/policies.js'
import { createTokenIssuer } from '../bench/tokens.js'
import type { Question } from './generate-load.js'

export interface OverloadedStand {
  readonly authz: AuthzProcess
  /** Two that must be allowed and one that must be denied. */
  readonly questions: readonly Question[]
  connect(count: number): Promise<readonly Http2Connection[]>
  /** The value of a metric without labels, or with exactly those in the name; 0 if it is not there. */
  metric(name: string): Promise<number>
  readyz(): Promise<string>
  /** Those of the decision log so far that have this reason; records of the last milliseconds may be missing. */
  records(reason: string): readonly Readonly<Record<string, unknown>>[]
  stop(): Promise<void>
}

/** The program as it ships, with the policies of the benchmark and more. */
export async function startOverloadedStand(
  policyFiles: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, string>> = {},
): Promise<OverloadedStand> {
  const issuer = createTokenIssuer()
  const policies = writePolicies(issuer.jwks, policyFiles)
  const directory = mkdtempSync(join(tmpdir(), 'mcp-authz-overload-'))
  const log = join(directory, 'decisions.ndjson')
  const connections: Http2Connection[] = []
  const removeFiles = () => {
    policies.remove()
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    const authz = await startAuthz({
      policies: policies.directory,
      settings: { 'decisionLog.file': log, 'decisionLog.maxBufferedBytes': '67108864', ...settings },
    })
    const tokens = issuer.mint(3)
    const questions = tokens.map((token, at) => {
      const allowed = at !== 2
      return { message: scaleRequest(token, allowed ? 3 : 10), allowed }
    })
    const page = async (path: string) => (await fetch(`http://127.0.0.1:${authz.httpPort}${path}`)).text()
    return {
      authz,
      questions,
      async connect(count) {
        const opened = await Promise.all(
          Array.from({ length: count }, () => Http2Connection.open(authz.grpcPort, `/${extAuthzService}/Check`)),
        )
        connections.push(...opened)
        return opened
      },
      async metric(name) {
        const line = (await page('/metrics')).split('\n').find(one => one.startsWith(`${name} `))
        return line === undefined ? 0 : Number(line.slice(name.length + 1))
      },
      readyz: () => page('/readyz'),
      records: reason =>
        readFileSync(log, 'utf8')
          .split('\n')
          .filter(line => line.includes(`"reason":"${reason}"`))
          .map(line => JSON.parse(line)),
      async stop() {
        for (const connection of connections) connection.close()
        await authz.stop()
        removeFiles()
      },
    }
  } catch (error) {
    removeFiles()
    throw error
  }
}
