import { didYouMean } from '../documents/did-you-mean.js'
import { type Command, type CommandIo, type ExitCode, UsageError } from './command.js'

/** By name, in the order of the overview. Only what is run is loaded: a service needs nothing of the workbench. */
const commands: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['init', async () => (await import('./init-command.js')).initCommand],
  ['serve', async () => (await import('./serve-command.js')).serveCommand],
  ['check', async () => (await import('./check-command.js')).checkCommand],
  ['test', async () => (await import('./test-command.js')).testCommand],
  ['explain', async () => (await import('./explain-command.js')).explainCommand],
  ['can-i', async () => (await import('./can-i-command.js')).canICommand],
  ['replay', async () => (await import('./replay-command.js')).replayCommand],
  ['diff', async () => (await import('./diff-command.js')).diffCommand],
  ['bench', async () => (await import('./bench-command.js')).benchCommand],
  ['suggest', async () => (await import('./suggest-command.js')).suggestCommand],
  ['log', async () => (await import('./log-command.js')).logCommand],
  ['catalog', async () => (await import('./catalog-command.js')).catalogCommand],
  ['envoy', async () => (await import('./envoy-command.js')).envoyCommand],
  ['demo', async () => (await import('./demo-command.js')).demoCommand],
  ['completion', async () => (await import('./completion-command.js')).completionCommand(allCommands)],
  ['version', async () => (await import('./version-command.js')).versionCommand],
])

function allCommands(): Promise<readonly Command[]> {
  return Promise.all([...commands.values()].map(load => load()))
}

/** Runs one command line (without node and script) and returns the exit code. Never throws. */
export async function run(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const [name, ...rest] = args
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const asked = await commands.get(rest[0] ?? '')?.()
    io.out(asked?.help ?? (await overview()))
    return name === undefined ? 1 : 0
  }
  const command = await commands.get(name === '--version' ? 'version' : name)?.()
  if (command === undefined) {
    const near = didYouMean(name, [...commands.keys()])
    io.err(
      `mcp-authz: there is no command "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}\n\n${await overview()}`,
    )
    return 1
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    io.out(command.help)
    return 0
  }
  try {
    return await command.run(rest, io)
  } catch (error) {
    if (error instanceof UsageError)
      io.err(`mcp-authz ${command.name}: ${error.message}\nSee: mcp-authz ${command.name} --help`)
    else io.err(`mcp-authz ${command.name}: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  }
}

async function overview(): Promise<string> {
  const lines = (await allCommands()).map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`)
  return [
    'mcp-authz: may this person, through this agent, call this tool with these arguments?',
    '',
    'Usage: mcp-authz COMMAND [OPTIONS]',
    '',
    ...lines,
    '',
    'mcp-authz COMMAND --help tells more. Exit codes: 0 fine, 1 usage or runtime error, 2 findings, 3 does not compile.',
  ].join('\n')
}
