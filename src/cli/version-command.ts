import { readFileSync } from 'node:fs'
import type { Command } from './command.js'

/** The version of this package, as its package.json says. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return /"version":\s*"([^"]+)"/.exec(text)?.[1] ?? 'unknown'
}

export const versionCommand: Command = {
  name: 'version',
  summary: 'print the version',
  help: 'Usage: mcp-authz version',
  run: async (_args, io) => {
    io.out(`mcp-authz ${packageVersion()} (node ${process.version})`)
    return 0
  },
}
