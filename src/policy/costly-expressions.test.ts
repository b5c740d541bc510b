import { describe, expect, it } from 'vitest'
import { catalogs, demo, memorySource, namesAsTokens, storeOf } from '../../test/support/policies.js'

function findingsOf(files: Readonly<Record<string, string>>) {
  const store = storeOf([memorySource(files)], namesAsTokens({}))
  const report = store.load()
  return report.findings.filter(finding => finding.message.includes(' units '))
}

const guardrail = (rules: string) => `apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: heavy }
spec:
${rules}
`

describe('an expression that large messages make cost too much', () => {
  it('is a warning at its place, and the document is in force', () => {
    const text = guardrail(`  validations:
  - expression: "args.name != ''"
  - expression: "args.a.all(x, args.b.exists(y, x == y))"`)
    const found = findingsOf({ 'heavy.yaml': text })
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({
      severity: 'warning',
      subject: 'Guardrail/heavy',
      path: 'spec.validations[1].expression',
      location: { file: 'heavy.yaml', line: 7, column: 18 },
      hint: 'bound what it goes through, e.g. size(x) <= 100 && x.all(…)',
    })
    expect(found[0]?.message).toMatch(
      /^may cost up to \d+ units for a large message of 64 KiB, 100000 are allowed; where it costs more it is refused, which denies the call$/,
    )
  })

  it('is none behind a bound', () => {
    const bounded = 'size(args.a) <= 100 && size(args.b) <= 40 && args.a.all(x, args.b.exists(y, x == y))'
    expect(findingsOf({ 'a.yaml': guardrail(`  validations: [{ expression: "${bounded}" }]`) })).toEqual([])
  })

  it.each([
    [
      'variables',
      `  variables: [{ name: v, expression: "args.a.map(x, args.a.map(y, x + y))" }]\n  validations: [{ expression: "true" }]`,
      'what reads the variable fails',
    ],
    [
      'matchConditions',
      `  matchConditions: [{ name: c, expression: "args.a.all(x, args.a.exists(y, x < y))" }]\n  validations: [{ expression: "true" }]`,
      'which denies the call',
    ],
    [
      'messageExpression',
      `  validations: [{ expression: "true", messageExpression: "args.a.map(x, args.a.map(y, string(y)).join()).join()" }]`,
      'its value is left out',
    ],
  ])('says what becomes of it in %s', (_, rules, consequence) => {
    const found = findingsOf({ 'a.yaml': guardrail(rules) })
    expect(found.map(({ message }) => message)).toEqual([expect.stringContaining(consequence)])
  })

  it.each([
    ["[1, 2, 3].all(i, authorizer.path('/x').check(string(i)).allowed())", true],
    ["args.namespaces.all(n, authorizer.group('').resource('pods').namespace(n).check('get').allowed())", true],
    [
      "size(args.a) <= 2 && args.a.all(n, authorizer.group('').resource('pods').namespace(n).check('get').allowed())",
      false,
    ],
    ["authorizer.path('/x').check('get').allowed() && authorizer.path('/y').check('get').allowed()", false],
  ])('says how many questions to the authorizer it can pay for: %s', (expression, told) => {
    const found = findingsOf({ 'a.yaml': guardrail(`  validations: [{ expression: "${expression}" }]`) })
    expect(found.map(({ hint }) => hint)).toEqual(told ? [expect.stringContaining('two questions')] : [])
  })

  it('is nowhere in the policies that we ship', () => {
    const report = storeOf([catalogs, demo], namesAsTokens({})).load()
    expect(report.findings.filter(finding => finding.message.includes(' units '))).toEqual([])
  })
})
