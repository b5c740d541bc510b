import type { KeptBack, SortedTools } from './sort-tools.js'
import type { StartInput } from './start-input.js'
import { yamlText } from './yaml-text.js'

/** A Grant for what only reads; the rest in comments, for somebody to decide. */
export function grantsFile({ name, groups }: StartInput, { given, keptBack, prompts }: SortedTools): string {
  const everybody = groups.length === 0
  const subjects = (everybody ? ['system:authenticated'] : groups).map(
    group => `    - { kind: Group, name: ${yamlText(group)} }`,
  )
  const lines = [
    ...head(`${name}-read`, name),
    ...(everybody
      ? ['    # Everybody who signs in. Name a group of yours instead if not all of them shall read.']
      : []),
    '    subjects:',
    ...subjects,
    '    tools:',
  ]
  const grant =
    given.length > 0
      ? [
          ...lines,
          '    # The server calls these read-only. Nobody has verified it: read what they do in catalog.yaml.',
          ...given.map(tool => `    - ${yamlText(tool.name)}`),
          ...(keptBack.length === 0
            ? []
            : ['    # Not given. Review them in catalog.yaml first, then remove the "#".']),
          ...keptBackLines(keptBack, '    # - '),
        ]
      : [
          '# No tool may be given on the word of the server alone. Review the entries in catalog.yaml, then remove the "#" from',
          '# this document and from the tools that people may have.',
          ...lines.map(commented),
          ...keptBackLines(keptBack, '#     - '),
        ]
  const about = [
    '# Gives. What no Grant names is denied: the other tools, prompts (match.prompts) and resources (match.resources).',
  ]
  return `${[...about, ...grant, ...promptLines(name, prompts, subjects)].join('\n')}\n`
}

function head(grant: string, server: string): readonly string[] {
  return [
    ...['apiVersion: mcp-authz.dev/v1alpha1', 'kind: Grant', `metadata: { name: ${yamlText(grant)} }`, 'spec:'],
    ...['  match:', `    servers: [${yamlText(server)}]`],
  ]
}

function keptBackLines(tools: readonly KeptBack[], mark: string): readonly string[] {
  return tools.map(({ name, why }) => `${mark}${yamlText(name)} # ${why}`)
}

function promptLines(server: string, prompts: readonly string[], subjects: readonly string[]): readonly string[] {
  if (prompts.length === 0) return []
  const document = [
    ...head(`${server}-prompts`, server),
    ...['    subjects:', ...subjects, '    prompts:'],
    ...prompts.map(prompt => `    - ${yamlText(prompt)}`),
  ]
  return ['# Prompts, when their entries are reviewed:', '# ---', ...document.map(commented)]
}

function commented(line: string): string {
  return `# ${line}`
}
