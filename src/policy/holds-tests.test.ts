import { describe, expect, it } from 'vitest'
import { holdsTests } from './holds-tests.js'

const test = 'apiVersion: mcp-authz.dev/v1alpha1\nkind: PolicyTest\nmetadata: { name: t }\n'
const guardrail = 'apiVersion: mcp-authz.dev/v1alpha1\nkind: Guardrail\nmetadata: { name: g }\n'

describe('holdsTests', () => {
  it.each<[string, string, string, boolean]>([
    ['tests', 'a_test.yaml', test, true],
    ['tests of the other ending', 'a_test.yml', test, true],
    ['several', 'a_test.yaml', `# both\n${test}---\n${test}`, true],
    ['tests in another file', 'a.yaml', test, false],
    ['a policy in a file of that name', 'load_test.yaml', guardrail, false],
    ['a policy among tests', 'a_test.yaml', `${test}---\n${guardrail}`, false],
    ['one in braces', 'a_test.yaml', `${test}---\n{ apiVersion: v1, kind: Guardrail }`, false],
    ['one with its kind in quotes', 'a_test.yaml', `${test}---\napiVersion: v1\n"kind": Guardrail\n`, false],
    ['nothing', 'a_test.yaml', '# later\n', false],
    ['a test that is broken', 'a_test.yaml', `${test}spec: {\n`, true],
    ['a policy that is broken', 'a_test.yaml', `${guardrail}spec: {\n`, false],
    ['a broken test before a policy', 'a_test.yaml', `${test}spec: {\n---\n${guardrail}`, false],
    ['no YAML at all', 'a_test.yaml', '{{ what }}', false],
    ['too much', 'a_test.yaml', `${test}${'# x\n'.repeat(300_000)}`, true],
  ])('%s', (_name, file, text, expected) => {
    expect(holdsTests(file, text)).toBe(expected)
  })
})
