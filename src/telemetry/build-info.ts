import { Gauge, type Registry } from 'prom-client'
import { packageVersion } from '../package-version.js'

/** Which program runs, on which Node: so that a change of either can be seen beside what changed with it. */
export function registerBuildInfo(registry: Registry): void {
  new Gauge({
    name: 'mcp_authz_build_info',
    help: 'Always 1; the labels are the version of mcp-authz and that of Node.',
    labelNames: ['version', 'node'] as const,
    registers: [registry],
  }).set({ version: packageVersion, node: process.versions.node }, 1)
}
