import { type ParseArgsConfig, parseArgs } from 'node:util'
import { UsageError } from './command.js'

/** `parseArgs` of Node, strict, whose complaints are usage errors. */
export function parseFlags<const Options extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}
