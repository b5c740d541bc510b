import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Gauge, type Registry } from 'prom-client'

/** The version of this package, as its package.json says; `unknown` where that cannot be read. */
export function packageVersion(): string {
  try {
    const text = readFileSync(join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'package.json'), 'utf8')
    return /"version":\s*"([^"]+)"/.exec(text)?.[1] ?? 'unknown'
  } catch {
    return 'unknown'
  }
}

/** Which program runs, on which Node: so that a change of either can be seen beside what changed with it. */
export function registerBuildInfo(registry: Registry): void {
  new Gauge({
    name: 'mcp_authz_build_info',
    help: 'Always 1; the labels are the version of mcp-authz and that of Node.',
    labelNames: ['version', 'node'] as const,
    registers: [registry],
  }).set({ version: packageVersion(), node: process.versions.node }, 1)
}
