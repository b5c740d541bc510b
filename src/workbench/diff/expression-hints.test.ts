import { describe, expect, it } from 'vitest'
import { expressionHints, type Plain } from './expression-hints.js'
import { sampleTexts } from './sample-texts.js'

describe('expressionHints', () => {
  it.each<[string, string, string, readonly Plain[]]>([
    ['a comparison', 'args.amount <= 5', 'args.amount', [5, 6, 4]],
    ['the other way round', '5 > args.amount', 'args.amount', [5, 6, 4]],
    ['a negative number', 'args.amount > -3', 'args.amount', [-3, -2, -4]],
    ['a list', "tenant in ['blue', 'green']", 'tenant', ['blue', 'green']],
    ['a member of a list', "'dev' in user.groups", 'user.groups.*', ['dev']],
    ['each of several', 'replicas.all(n, n < 9)', 'replicas.*', [9, 10, 8]],
    ['fields of each', "args.items.exists(i, i.kind == 'x')", 'args.items.*.kind', ['x']],
    ['index and element', "args.items.all(i, e, e != 'x')", 'args.items.*', ['x']],
    ['a prefix', "args.path.startsWith('/srv/')", 'args.path', ['/srv/x', '/srv/']],
    ['a size', 'size(args.path) < 3', 'args.path.#size', [3, 4, 2]],
    ['a header', "request.headers['x-a'] == 'yes'", 'request.headers.x-a', ['yes', 'x-a']],
    ['through a function', "args.name.lowerAscii() == 'root'", 'args.name', ['root']],
    ['a pattern', "args.id.matches('^[a-c]{2}-(x|y)$')", 'args.id', ['aa-x', 'aa-y', '^[a-c]{2}-(x|y)$']],
    ['bound', 'cel.bind(a, args.amount, a > 1)', 'args.amount', [1, 2, 0]],
    [
      'a network',
      "cidr('10.1.0.0/16').containsIP(request.sourceAddress)",
      'request.sourceAddress',
      ['10.1.0.0/16', '10.1.0.0'],
    ],
  ])('%s', (_, source, path, values) => {
    expect(expressionHints([source], new Map()).at(...path.split('.'))).toEqual(values)
  })

  it('looks into variables', () => {
    const variables = new Map([
      ['limit', "'cashiers' in user.groups ? 500 : 100"],
      ['amount', 'args.amount'],
    ])
    const hints = expressionHints(['variables.amount <= variables.limit'], variables)
    expect(hints.at('args', 'amount')).toEqual(expect.arrayContaining([500, 100]))
    expect(hints.at('user', 'groups', '*')).toContain('cashiers')
  })

  it('knows nothing of what is no expression', () => {
    expect(expressionHints(['args.'], new Map()).paths).toEqual([])
  })

  it('does not mistake what a name hides', () => {
    expect(expressionHints(['[1].all(args, args == 1)'], new Map()).reads('args')).toBe(false)
  })
})

describe('sampleTexts', () => {
  it.each(['^[a-z]+-[0-9]{2}$', '^(?:dev|stage)-\\d+$', '^[^/]+/x$', 'a.c', '^\\w{3}\\.example\\.com$', '^(?i)abc?$'])(
    'matches %s',
    pattern => {
      const samples = sampleTexts(pattern)
      expect(samples.length).toBeGreaterThan(0)
      const plain = new RegExp(pattern.replace('(?i)', ''))
      for (const sample of samples) expect(sample).toMatch(plain)
    },
  )

  it.each(['(', '[a', 'a{', '\\p{L}', '(?P', `${'('.repeat(50)}${')'.repeat(50)}`])('gives up on %s', pattern => {
    expect(sampleTexts(pattern)).toEqual([])
  })
})
