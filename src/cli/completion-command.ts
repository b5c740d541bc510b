import { type Command, type CommandIo, type ExitCode, UsageError } from './command.js'
import { parseFlags } from './parse-flags.js'

const help = `Usage: mcp-authz completion bash|zsh|fish

Prints a script for the shell that completes commands and their flags.

Examples:
  source <(mcp-authz completion bash)
  mcp-authz completion zsh > "\${fpath[1]}/_mcp-authz"
  mcp-authz completion fish > ~/.config/fish/completions/mcp-authz.fish`

/** A command that knows all others, so that what they are called is written down in one place. */
export function completionCommand(commands: () => Promise<readonly Command[]>): Command {
  return {
    name: 'completion',
    summary: 'print a script that completes commands in your shell',
    help,
    run: async (args, io) => printScript(args, io, await commands()),
  }
}

function printScript(args: readonly string[], io: CommandIo, commands: readonly Command[]): ExitCode {
  const [shell, ...more] = parseFlags(args, {}).positionals
  const script = more.length === 0 ? scripts.get(shell ?? '') : undefined
  if (script === undefined) throw new UsageError('name one shell: bash, zsh or fish')
  io.out(script(commands))
  return 0
}

const scripts: ReadonlyMap<string, (commands: readonly Command[]) => string> = new Map([
  ['bash', bash],
  ['zsh', zsh],
  ['fish', fish],
])

/** Every flag that the help names. */
function flagsOf({ help: text }: Command): readonly string[] {
  return [...new Set([...text.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([flag]) => flag)), '--help'].sort()
}

function bash(commands: readonly Command[]): string {
  const cases = commands.map(command => `    ${command.name}) words="${flagsOf(command).join(' ')}" ;;`)
  return `_mcp_authz() {
  local current=\${COMP_WORDS[COMP_CWORD]} words
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')} help" -- "$current"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
  case $current in -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;; esac
}
complete -o default -F _mcp_authz mcp-authz`
}

function zsh(commands: readonly Command[]): string {
  const names = commands.map(({ name, summary }) => `    '${name}:${quoted(summary)}'`)
  const cases = commands.map(command => `    ${command.name}) compadd -- ${flagsOf(command).join(' ')} ;;`)
  return `#compdef mcp-authz
local -a commands
if (( CURRENT == 2 )); then
  commands=(
${names.join('\n')}
  )
  _describe command commands
elif [[ $words[CURRENT] == -* ]]; then
  case $words[2] in
${cases.join('\n')}
  esac
else
  _files
fi`
}

function fish(commands: readonly Command[]): string {
  const lines = commands.flatMap(command => [
    `complete -c mcp-authz -n __fish_use_subcommand -a ${command.name} -d '${quoted(command.summary)}'`,
    ...flagsOf(command).map(
      flag => `complete -c mcp-authz -n '__fish_seen_subcommand_from ${command.name}' -l ${flag.slice(2)}`,
    ),
  ])
  return lines.join('\n')
}

/** For between single quotes of every shell; a colon ends a name in zsh. */
function quoted(text: string): string {
  return text.replaceAll("'", '’').replaceAll(':', ' –').replaceAll('\\', '')
}
