import type { CheckContext } from './check-context.js'
import type { ConfigNode } from './config-node.js'
import { textOf } from './read-scalar.js'
import { typedConfig } from './typed-config.js'

/** The admin page of a bootstrap, or of what it shows of itself. It asks nobody for a password. */
export function checkAdmin(root: ConfigNode, { findings }: CheckContext): void {
  const dumped = root
    .list('configs')
    .filter(part => typedConfig(part).type === 'envoy.admin.v3.BootstrapConfigDump')
    .flatMap(part => part.field('bootstrap') ?? [])
  for (const bootstrap of [root, ...dumped]) {
    const socket = bootstrap.deep('admin', 'address', 'socket_address')
    const address = socket?.field('address')
    if (socket !== undefined && !isLoopback(textOf(address)))
      findings.add(
        'envoy.admin_address',
        address ?? socket,
        `the admin page listens on ${textOf(address) || 'no address'}`,
      )
  }
}

function isLoopback(address: string): boolean {
  return /^127(?:\.\d{1,3}){3}$/.test(address) || address === '::1'
}
