import { describe, expect, it } from 'vitest'
import type { Value } from '../values/value.js'
import type { UnknownPattern } from './frame.js'
import { compileSource, evaluatePartially, outcomeOf } from './run-source.fixture.js'

const known: Record<string, Value> = {
  user: new Map<string, Value>([
    ['name', 'ann'],
    ['groups', ['dev', 'ops']],
  ]),
  args: new Map<string, Value>([['namespace', 'default']]),
  n: 1n,
}

function partly(source: string, ...unknowns: UnknownPattern[]): unknown {
  const result = evaluatePartially(source, known, unknowns)
  switch (result.kind) {
    case 'value':
      return result.value
    case 'error':
      return `! ${result.error.message}`
    case 'unknown':
      return { needs: result.paths.map(path => path.join('.')).sort() }
    case 'suspended':
      return '! suspended'
  }
}

describe('evaluation with unknowns', () => {
  const args: UnknownPattern = ['args']

  it.each<[string, unknown]>([
    ['args', { needs: ['args'] }],
    ['args.a.b', { needs: ['args.a.b'] }],
    ['args["a"][0]', { needs: ['args.a.0'] }],
    ['args[user.name]', { needs: ['args.ann'] }],
    ['args[args.a]', { needs: ['args.a'] }],
    ['args.?a.orValue(1)', { needs: ['args.a'] }],
    ['has(args.a)', { needs: ['args.a'] }],
    ['has(user.name)', true],
    ['user.name', 'ann'],
    ['args.a == 1 && false', false],
    ['false && args.a == 1', false],
    ['args.a == 1 || user.name == "ann"', true],
    ['args.a == 1 && user.name == "ann"', { needs: ['args.a'] }],
    ['args.a == 1 || args.b == 2 || args.a == 3', { needs: ['args.a', 'args.b'] }],
    ['args.a == 1 || 1/0 == 1', { needs: ['args.a'] }],
    ['1/0 == 1 && args.a', { needs: ['args.a'] }],
    ['1/0 + args.a', '! division by zero'],
    ['args.a + 1/0', '! division by zero'],
    ['args.a + args.b', { needs: ['args.a', 'args.b'] }],
    ['[args.a, args.b].size()', { needs: ['args.a', 'args.b'] }],
    ['{"a": args.a, "b": 1/0}', '! division by zero'],
    ['size(args.a) > int(args.b)', { needs: ['args.a', 'args.b'] }],
    ['user.name == "ann" ? 1 : args.a', 1n],
    ['user.name != "ann" ? 1 : args.a', { needs: ['args.a'] }],
    ['args.a ? args.b : args.c', { needs: ['args.a'] }],
    ['user.groups.exists(g, g == args.group)', { needs: ['args.group'] }],
    ['user.groups.exists(g, g == "dev" || g == args.group)', true],
    ['user.groups.all(g, g != "dev" && args.ok)', false],
    ['user.groups.exists(g, args[g])', { needs: ['args.dev', 'args.ops'] }],
    ['user.groups.filter(g, args[g])', { needs: ['args.dev', 'args.ops'] }],
    ['user.groups.map(g, g == "ops", args[g])', { needs: ['args.ops'] }],
    ['user.groups.exists_one(g, args[g])', { needs: ['args.dev', 'args.ops'] }],
    ['args.list.all(x, x > 0)', { needs: ['args.list'] }],
    ['args.list.all(x, x > 0) || true', true],
    ['cel.bind(a, args.a, a == 1 || n == 1)', true],
    ['cel.bind(a, args.a, a == 1 || n == 2)', { needs: ['args.a'] }],
    ['optional.of(args.a).orValue(1)', { needs: ['args.a'] }],
    ['optional.of(1).orValue(args.a)', 1n],
    ['Object{a: args.a}', { needs: ['args.a'] }],
  ])('%s', (source, expected) => {
    expect(partly(source, args)).toEqual(expected)
  })

  it.each<[string, UnknownPattern, unknown]>([
    ['args.namespace', ['args', 'name'], 'default'],
    ['args.namespace == "x" || args.name == "y"', ['args', 'name'], { needs: ['args.name'] }],
    ['args', ['args', 'name'], { needs: ['args'] }],
    ['args.name.a', ['args', 'name', 'b'], '! no such key: name'],
    ['user["groups"][0]', ['user', 'groups', '*'], { needs: ['user.groups.0'] }],
    ['user["groups"][0]', ['user', 'groups', 1n], 'dev'],
    ['user.name', ['user', 'groups'], 'ann'],
  ])('%s with %s', (source, pattern, expected) => {
    expect(partly(source, pattern)).toEqual(expected)
  })

  it('does not take a local variable for an unknown one', () => {
    expect(partly('[1].map(args, args)', args)).toEqual([1n])
  })

  it('answers as the whole does once everything is known', () => {
    for (const source of [
      'args.namespace == "default" && n == 1',
      'args.b',
      '[args.namespace]',
      'has(args.x) || n == 2',
    ]) {
      const whole = outcomeOf(source, known)
      expect(partly(source)).toEqual(whole)
    }
  })

  it('stops at the budget', () => {
    const list: Value = Array.from({ length: 1000 }, (_, i) => BigInt(i))
    const program = compileSource('xs.all(x, xs.all(y, args[string(y)]))')
    const result = program.evaluatePartial(name => (name === 'xs' ? list : undefined), [args])
    expect(result).toMatchObject({ kind: 'error' })
  })
})
