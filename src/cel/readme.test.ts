import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  type AuthorizationDecision,
  type AuthorizerHost,
  authorizationKey,
  authorizerValue,
} from './authorizer-value.js'
import { createCelEnvironment } from './create-environment.js'
import type { CelInput } from './environment.js'

const file = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8')

/** What stands in the functions below, as the page shows it. */
const run = file('readme.test.ts')
  .split('\n')
  .map(line => line.replace(/^ {4}/, ''))
  .join('\n')

describe('README.md', () => {
  it('has an example that runs', () => {
    const environment = createCelEnvironment({
      user: 'map',
      replicas: 'list(int)',
      memory: 'list(kubernetes.Quantity)',
    })

    const compiled = environment.compile('"sre" in user.groups || replicas.all(n, n <= 5)', 'bool')
    if (!compiled.ok) throw new Error(compiled.error.message)

    const input = new Map<string, CelInput>([
      ['user', new Map([['groups', ['dev']]])],
      ['replicas', [2n, 9n]],
    ])
    expect(compiled.program.evaluate(name => input.get(name))).toEqual({ ok: true, value: false })

    // A typing error is found before anybody calls.
    expect(environment.compile('usr.name == "a"')).toMatchObject({
      error: { line: 1, column: 1, message: "undeclared reference to 'usr'", hint: "did you mean 'user'?" },
    })

    // With a part of the input unknown: the answer where it does not matter, else what it depends on.
    const { program } = compiled
    expect(program.evaluatePartial(() => undefined, [['replicas'], ['user']])).toMatchObject({ kind: 'unknown' })
    expect(program.evaluatePartial(name => input.get(name), [['user']])).toMatchObject({
      kind: 'unknown',
      paths: [['user', 'groups']],
    })
  })

  it('has an example with the authorizer that runs', () => {
    const asking = createCelEnvironment({ authorizer: 'kubernetes.authorization.Authorizer' })
    const check = asking.compile('authorizer.group("").resource("pods").namespace("a").check("get").allowed()', 'bool')
    if (!check.ok) throw new Error(check.error.message)

    const answers = new Map<string, AuthorizationDecision>()
    const host: AuthorizerHost = { check: request => answers.get(authorizationKey(request)) ?? 'pending' }
    const authorizer = authorizerValue('caller', host)
    for (let round = 0; round < 3; round++) {
      const evaluated = check.program.evaluate(() => authorizer)
      if (evaluated.ok || evaluated.suspended === undefined) break
      for (const request of evaluated.suspended) {
        // Here somebody is asked.
        answers.set(authorizationKey(request), { allowed: request.verb === 'get', reason: '', error: undefined })
      }
    }
    expect(check.program.evaluate(() => authorizer)).toEqual({ ok: true, value: true })
  })

  it('shows the code above', () => {
    const shown = [...file('README.md').matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
    expect(shown).toHaveLength(2)
    for (const block of shown) expect(run).toContain(block)
  })
})
