import { didYouMean } from '../documents/did-you-mean.js'
import { benchCommand } from './bench-command.js'
import { canICommand } from './can-i-command.js'
import { catalogCommand } from './catalog-command.js'
import { checkCommand } from './check-command.js'
import { type Command, type CommandIo, type ExitCode, UsageError } from './command.js'
import { completionCommand } from './completion-command.js'
import { demoCommand } from './demo-command.js'
import { diffCommand } from './diff-command.js'
import { envoyCommand } from './envoy-command.js'
import { explainCommand } from './explain-command.js'
import { initCommand } from './init-command.js'
import { logCommand } from './log-command.js'
import { replayCommand } from './replay-command.js'
import { serveCommand } from './serve-command.js'
import { suggestCommand } from './suggest-command.js'
import { testCommand } from './test-command.js'
import { versionCommand } from './version-command.js'

const commands: readonly Command[] = [
  initCommand,
  serveCommand,
  checkCommand,
  testCommand,
  explainCommand,
  canICommand,
  replayCommand,
  diffCommand,
  benchCommand,
  suggestCommand,
  logCommand,
  catalogCommand,
  envoyCommand,
  demoCommand,
  completionCommand(() => commands),
  versionCommand,
]

/** Runs one command line (without node and script) and returns the exit code. Never throws. */
export async function run(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const [name, ...rest] = args
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const asked = commands.find(command => command.name === rest[0])
    io.out(asked?.help ?? overview())
    return name === undefined ? 1 : 0
  }
  const command = commands.find(one => one.name === (name === '--version' ? 'version' : name))
  if (command === undefined) {
    const near = didYouMean(
      name,
      commands.map(one => one.name),
    )
    io.err(
      `mcp-authz: there is no command "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}\n\n${overview()}`,
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

function overview(): string {
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`)
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
