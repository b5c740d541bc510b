import { guardrailName, guardrailReason, longestText } from './guardrails-file.js'
import { sampleArguments, textArgument } from './sample-arguments.js'
import type { SortedTools } from './sort-tools.js'
import type { Offer, StartInput } from './start-input.js'
import { yamlFlow, yamlText } from './yaml-text.js'

/** Tools of each sort that get a test; policies of people's own are not longer either. */
const maxTools = 100
/** Not the names of any tools: those have no spaces. */
const longCall = 'a long text'
const listCall = 'the list of tools'

/** Tests that hold for the files as they are drafted. */
export function testsFile(input: StartInput, { given, keptBack }: SortedTools): string {
  const { name, groups, tools } = input
  const read = given.slice(0, maxTools)
  const refused = tools.filter(tool => keptBack.some(one => one.name === tool.name)).slice(0, maxTools)
  const everybody = groups.length === 0
  const long = read.map(tool => longText(tool)).find(call => call !== undefined)
  const of = (calls: readonly Offer[]) => `[${calls.map(call => yamlText(call.name)).join(', ')}]`
  const tests = [
    ...test('everybody who signs in may look', 'principal: reader', `[${listCall}]`, allowed),
    ...(read.length === 0
      ? []
      : test('what only reads is for everybody who may read', 'principal: reader', of(read), allowed)),
    ...(read.length === 0 || everybody
      ? []
      : test('and not for others', 'principal: stranger', of(read), wouldBe('reason: authorization.grant'))),
    ...(refused.length === 0
      ? []
      : test(
          'the others are refused',
          'principal: reader',
          of(refused),
          wouldBe('reason: authorization.tool_refused'),
        )),
    ...test('nobody else', undefined, `[${listCall}]`, wouldBe('reason: identity.token_missing')),
    ...(long === undefined
      ? []
      : test('texts have an end', 'principal: reader', `[${longCall}]`, wouldBe(`policyReason: ${guardrailReason}`))),
  ]
  return `# What the policies here are meant to do: mcp-authz test. More that can be expected: docs/testing-policies.md.
#
# In Audit every call goes through, and "would" says what Enforce will deny. When the Server enforces, write what stands in
# "would" as what is expected: { reason: authorization.grant }. The same for the Guardrail ${guardrailName(input)}.
apiVersion: mcp-authz.dev/v1alpha1
kind: PolicyTest
metadata: { name: ${yamlText(name)} }
spec:
  principals:
    reader: { user: rita${everybody ? '' : `, groups: ${yamlFlow(groups.slice(0, 1))}`} }
${everybody ? '' : '    stranger: { user: sam }\n'}  calls:
    ${listCall}: { method: tools/list }
${[...read, ...refused].map(tool => `${callLine(tool)}\n`).join('')}${long === undefined ? '' : long}  tests:
${tests.join('\n')}
`
}

function callLine({ name, definition }: Offer): string {
  const given = sampleArguments(definition)
  const parts = [
    `tool: ${yamlText(name)}`,
    ...(Object.keys(given).length === 0 ? [] : [`arguments: ${yamlFlow(given)}`]),
  ]
  return `    ${yamlText(name)}: { ${parts.join(', ')} }`
}

/** Lines of the YAML text, which are joined by a space each. */
const line = 'lorem ipsum '.repeat(9).trim()

function longText({ name, definition }: Offer): string | undefined {
  const argument = textArgument(definition)
  if (argument === undefined) return undefined
  const others = Object.entries(sampleArguments(definition)).filter(([key]) => key !== argument)
  const lines = Array.from({ length: Math.ceil((longestText + 1) / line.length) }, () => `          ${line}`)
  return `    ${longCall}:
      tool: ${yamlText(name)}
      arguments:
${others.map(([key, value]) => `        ${yamlText(key)}: ${yamlFlow(value)}\n`).join('')}        ${yamlText(argument)}: >-
${lines.join('\n')}
`
}

const allowed = '{ decision: allow, would: none }'

function wouldBe(failure: string): string {
  return `{ decision: allow, would: { ${failure} } }`
}

function test(name: string, who: string | undefined, calls: string, expected: string): readonly string[] {
  const lines = [`  - name: ${name}`, ...(who === undefined ? [] : [`    ${who}`])]
  return [...lines, `    calls: ${calls}`, `    expect: ${expected}`]
}
