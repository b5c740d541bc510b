import { randomBytes } from 'node:crypto'
import { type StandOptions, startStand } from '../e2e/support/stand.js'
import { contextPolicies, permissivePolicies } from './policies.js'
import type { ReferenceServer } from './reference-server/reference-server.js'

/** The ways to a server that are compared with the direct one. */
export const pathNames = ['ext_authz', 'ext_authz + ext_proc', 'ext_proc alone', 'with result context'] as const
export type PathName = (typeof pathNames)[number]

export interface Path {
  /** Of the endpoint at the gateway. */
  readonly url: string
  /** How many decisions mcp-authz has recorded. */
  decisions(): number
  /** What Envoy and mcp-authz complained about. */
  complaints(): readonly string[]
  stop(): Promise<void>
}

/** A real Envoy and a real mcp-authz before a server. */
export async function startPath(name: PathName, startServer: () => Promise<ReferenceServer>): Promise<Path> {
  const keys = [randomBytes(32).toString('base64')]
  const policies = name === 'with result context' ? contextPolicies : permissivePolicies
  const common: StandOptions = { startServer, serverName: 'conformance', policies }
  const { url, envoy, authz, stop } = await startStand({ ...common, ...doorOf(name, keys) })
  return {
    url,
    decisions: () => authz.records.length,
    complaints: () => [
      ...envoy.child.lines.filter(line => /\[(?:warning|error|critical)\]/.test(line)),
      ...authz.logs.filter(({ level }) => level !== 'info').map(line => JSON.stringify(line)),
    ],
    stop,
  }
}

function doorOf(name: PathName, keys: readonly string[]): Pick<StandOptions, 'responseDoor'> {
  switch (name) {
    case 'ext_authz':
      return {}
    case 'ext_proc alone':
      return { responseDoor: { keys, alone: true } }
    case 'ext_authz + ext_proc':
    case 'with result context':
      return { responseDoor: { keys } }
  }
}
