import { catalogFile } from './catalog-file.js'
import { configFile } from './config-file.js'
import { envoyFile } from './envoy-file.js'
import { grantsFile } from './grants-file.js'
import { guardrailsFile } from './guardrails-file.js'
import { readmeFile } from './readme-file.js'
import { serverFile } from './server-file.js'
import { type SortedTools, sortTools } from './sort-tools.js'
import type { StartInput } from './start-input.js'
import { testsFile } from './tests-file.js'

export interface DraftedFile {
  /** Below the directory of the start, with "/". */
  readonly path: string
  /** For people, a few words. */
  readonly about: string
  readonly text: string
}

export interface DraftedStart {
  readonly files: readonly DraftedFile[]
  readonly tools: SortedTools
}

/**
 * Everything that is needed to guard one MCP server, in Audit: policies with their tests, and configurations of mcp-authz and
 * Envoy. What the server says of itself gives people at most the tools that call themselves read-only. Pure.
 */
export function draftStart(input: StartInput): DraftedStart {
  const tools = sortTools(input)
  const { name, listen, upstream, groups } = input
  const whom = groups.length === 0 ? 'everybody who signs in' : groups.join(', ')
  const behind = upstream === undefined ? '' : `, in front of ${shown(upstream)}`
  return {
    tools,
    files: [
      { path: 'config.yaml', about: 'for mcp-authz serve', text: configFile(input) },
      { path: 'envoy.yaml', about: `listens on ${shown(listen)}${behind}`, text: envoyFile(input) },
      { path: 'policies/server.yaml', about: 'in Audit: nothing is denied yet', text: serverFile(input) },
      {
        path: 'policies/catalog.yaml',
        about: `${count(tools.given.length + tools.keptBack.length, 'tool')}, ${count(tools.prompts.length, 'prompt')}`,
        text: catalogFile(input, tools),
      },
      {
        path: 'policies/grants.yaml',
        about:
          tools.given.length === 0
            ? 'no tools yet'
            : `${count(tools.given.length, 'tool')} for ${whom}: what calls itself read-only`,
        text: grantsFile(input, tools),
      },
      { path: 'policies/guardrails.yaml', about: 'a first rule, in Audit', text: guardrailsFile(input) },
      { path: `policies/${name}_test.yaml`, about: 'what the policies are meant to do', text: testsFile(input, tools) },
      { path: 'README.md', about: 'what to do next', text: readmeFile(input, tools) },
    ],
  }
}

function shown({ host, port }: StartInput['listen']): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
