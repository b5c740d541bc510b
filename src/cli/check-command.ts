import { configJsonSchema } from '../config/config-json-schema.js'
import { formatFinding } from '../documents/format-finding.js'
import { type Command, type CommandIo, type ExitCode, UsageError } from './command.js'
import { configFlags, configHelp, loadPolicies } from './load-policies.js'
import { parseFlags } from './parse-flags.js'

const help = `Usage: mcp-authz check [DIR...] [-o text|json] [--schema]

Compiles the configuration and the policies as serve would, and reports what is wrong: file, line, column, and what to
write instead. Opens nothing, changes nothing.

  DIR                   a directory of policies, the same as --policies DIR
${configHelp}
  -o, --output FORMAT   text (default) or json
  --schema              print the JSON Schema of the Config document and stop

Exit codes: 0 all is well, 2 findings that do not stop the policies from compiling, 3 something does not compile.

Example:
  mcp-authz check policies/demo`

export const checkCommand: Command = {
  name: 'check',
  summary: 'compile configuration and policies, and report what is wrong',
  help,
  run: check,
}

async function check(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values, positionals } = parseFlags(args, {
    ...configFlags,
    output: { type: 'string', short: 'o', default: 'text' },
    schema: { type: 'boolean' },
  })
  if (values.schema === true) {
    io.out(JSON.stringify(configJsonSchema(), undefined, 2))
    return 0
  }
  if (values.output !== 'text' && values.output !== 'json') throw new UsageError('--output is text or json')
  const loaded = await loadPolicies({ ...values, policies: [...(values.policies ?? []), ...positionals] }, io)
  loaded.stop()
  const { findings, documents, revision } = loaded.report
  const errors = findings.filter(finding => finding.severity === 'error').length
  if (values.output === 'json') io.out(JSON.stringify({ documents, revision, findings }, undefined, 2))
  else {
    for (const finding of findings) io.out(formatFinding(finding))
    io.out(
      `${count(documents, 'document')}, ${count(errors, 'error')}, ${count(findings.length - errors, 'warning')}, revision ${revision}`,
    )
  }
  if (errors > 0) return 3
  return findings.length > 0 ? 2 : 0
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
