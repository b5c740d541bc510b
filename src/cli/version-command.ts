import { packageVersion } from '../package-version.js'
import type { Command } from './command.js'

export const versionCommand: Command = {
  name: 'version',
  summary: 'print the version',
  help: 'Usage: mcp-authz version',
  run: async (_args, io) => {
    io.out(`mcp-authz ${packageVersion} (node ${process.version})`)
    return 0
  },
}
