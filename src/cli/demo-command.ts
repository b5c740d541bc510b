import type { Command } from './command.js'

export const demoCommand: Command = {
  name: 'demo',
  summary: 'show the main job end to end',
  help: 'Usage: mcp-authz demo',
  run: async () => 1,
}
