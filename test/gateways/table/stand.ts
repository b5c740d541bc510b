import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDecide } from '../../../src/decision/create-decide.js'
import type { Decide } from '../../../src/decision/decision.js'
import { AuthenticatorSource } from '../../../src/identity/authenticator-source.js'
import { createDirectorySource } from '../../../src/policy/directory-source.js'
import { PolicyStore } from '../../../src/policy/policy-store.js'
import type { PolicySnapshot } from '../../../src/policy/snapshot.js'
import { SessionKeys } from '../../../src/protocol/session-tag.js'
import { catalogs, errorsOf } from '../../support/policies.js'
import { createPeople, type People } from './people.js'

/** mcp-authz without its doors, with the policies of the table in force. */
export interface TableStand {
  readonly snapshot: PolicySnapshot
  readonly decide: Decide
  readonly people: People
  readonly sessions: SessionKeys
  /** Where the policies are, for programs of their own. */
  readonly directory: string
  /** What broke inside; none may. */
  readonly bugs: readonly unknown[]
  write(name: string, text: string | Buffer): string
  stop(): void
}

export async function startTable(): Promise<TableStand> {
  const people = await createPeople()
  const root = mkdtempSync(join(tmpdir(), 'gateways-'))
  const directory = mkdtempSync(join(root, 'policies-'))
  writeFileSync(join(directory, 'policies.yaml'), readFileSync(join(import.meta.dirname, 'policies.yaml')))
  writeFileSync(join(directory, 'keys.json'), people.jwks)
  const identities = new AuthenticatorSource({ now: Date.now })
  const store = new PolicyStore({
    sources: [catalogs, createDirectorySource({ directory })],
    brokenPolicies: 'refuse',
    compile: { insecureLoopbackIssuers: false },
    assemble: { clusters: ['local'], authenticator: (found, identity) => identities.for(found, identity) },
  })
  const report = store.load()
  const snapshot = store.current
  if (!report.inForce || snapshot === undefined) throw new Error(errorsOf(report.findings).join('\n'))
  await identities.started()
  const bugs: unknown[] = []
  return {
    ...{ snapshot, people, directory, bugs },
    decide: createDecide({ snapshot: () => snapshot, onBug: error => bugs.push(error) }),
    sessions: new SessionKeys([{ id: 'k', secret: Buffer.alloc(32, 7) }]),
    write(name, text) {
      const path = join(root, name)
      writeFileSync(path, text)
      return path
    },
    stop() {
      identities.stop()
      rmSync(root, { recursive: true, force: true })
    },
  }
}
