import { describe, expect, it } from 'vitest'
import { createCelEnvironment } from '../create-environment.js'
import { kubernetesLibraries } from '../library/kubernetes-libraries.fixture.js'
import { librarySets } from '../library-sets.js'
import { limits } from '../limits.js'
import { sessionOfSource, variableTypes } from './cost-session.fixture.js'
import { priceOf } from './functions/price-of.js'
import { defaultInputBytes, type InputSizes } from './input-sizes.js'
import { exactly, most } from './range.js'

const names = { args: 'map', s: 'string', xs: 'list(string)', n: 'int', objects: 'list(map(string, dyn))' }
const environment = createCelEnvironment(names)
const variables = variableTypes(names)

function programOf(source: string) {
  const compiled = environment.compile(source)
  if (!compiled.ok) throw new Error(`${source}: ${compiled.error.message}`)
  return compiled.program
}

function estimate(source: string, sizes: InputSizes): readonly [number, number] {
  const session = sessionOfSource(source, variables)
  if (session === undefined) throw new Error(`${source} does not compile`)
  const { min, max } = session.estimate(sizes)
  return [min, max]
}

describe('an estimate', () => {
  const known: InputSizes = {
    inputBytes: 1000,
    of: (path, kind) => (kind === 'list' ? exactly(path.length * 10) : exactly(100)),
  }

  it.each<[string, readonly [number, number]]>([
    ['1 + 2', [0, 1]],
    ['n', [1, 1]],
    ['n + 1 < 3 && s == "abc"', [3, 5]],
    ['s == s', [12, 13]],
    ['s.contains("abc")', [11, 11]],
    ['xs.all(x, true)', [5, 32]],
    ['xs.map(x, x)', [142, 142]],
    ['xs.filter(x, x != "")', [42, 162]],
    ['n > 3 ? 1 : n + n', [2, 5]],
    ['has(args.a) && args.a.b == 1', [2, 6]],
  ])('of %s', (source, expected) => {
    expect(estimate(source, known)).toEqual(expected)
  })

  it('asks for sizes by path', () => {
    const asked: string[] = []
    const of = (path: readonly string[]) => {
      asked.push(path.join('.'))
      return undefined
    }
    estimate('args.pods[0].name == "" && args.labels.all(k, v, v != "") && objects.all(o, o.x == 1)', {
      inputBytes: 100,
      of,
    })
    for (const path of ['args.pods.@items.name', 'args.labels.@values', 'objects.@items.x'])
      expect(asked).toContain(path)
  })

  it('knows the elements of what macros make', () => {
    expect(estimate('xs.map(x, "abc").all(y, y.contains("d"))', known)[1]).toBeLessThan(200)
    expect(estimate('{"a": "abc"}.all(k, v, v.contains("d"))', known)[1]).toBeLessThan(50)
  })

  it('saturates', () => {
    expect(programOf('xs.all(a, xs.all(b, xs.all(c, xs.all(d, a + b + c + d != ""))))').cost.max).toBe(most)
  })

  it('grows with the bytes of a message', () => {
    const small = estimate('xs.all(x, x != "a")', { inputBytes: 1000 })[1]
    const large = estimate('xs.all(x, x != "a")', { inputBytes: 100_000 })[1]
    expect(large / small).toBeCloseTo(100, 0)
    expect(programOf('xs.all(x, x != "a")').cost.max).toBe(
      estimate('xs.all(x, x != "a")', { inputBytes: defaultInputBytes })[1],
    )
  })

  it('asks the authorizer at the price of the set', () => {
    const compiled = createCelEnvironment({ authorizer: 'kubernetes.authorization.Authorizer' }).compile(
      'authorizer.group("").resource("pods").check("get").allowed() || authorizer.path("/x").check("get").allowed()',
    )
    if (!compiled.ok) throw new Error(compiled.error.message)
    expect(compiled.program.cost.max).toBeGreaterThan(70_000)
    expect(compiled.program.cost.max).toBeLessThan(limits.budget)
  })

  it('prices every function of the sets', () => {
    const all = [...Object.values(librarySets).flat(), ...kubernetesLibraries].flatMap(library => library.functions)
    const unpriced = all.filter(({ id }) => priceOf(id, [], { inputBytes: 10 }) === undefined)
    expect(unpriced.map(({ id }) => id)).toEqual([])
  })

  it.each([
    ['a sum', (links: number) => `n${' + n'.repeat(links)}`],
    ['fields', (links: number) => `args${'.a'.repeat(links)}`],
    ['calls', (links: number) => `s${'.trim()'.repeat(links)}`],
    ['conditions', (links: number) => `n == 1${' && size(args.a) <= 100'.repeat(links)}`],
    ['macros', (links: number) => `xs${'.map(x, x)'.repeat(links)}`],
    ['lists', (links: number) => `size(xs${' + xs'.repeat(links)})`],
    ['int indexes', (links: number) => `args.a${'[1]'.repeat(links)}`],
    ['flattening', (links: number) => `args.a${'.flatten()'.repeat(links)}`],
    ['alternatives', (links: number) => `args.?a${'.or(args.?b)'.repeat(links)}.hasValue()`],
  ])('goes through long %s without recursion, in linear time', (_, source) => {
    const seconds = (links: number) => {
      const session = sessionOfSource(source(links), variables)
      const start = performance.now()
      expect(session?.estimate({ inputBytes: 1000 }).max).toBeGreaterThan(links / 2)
      return performance.now() - start
    }
    seconds(500)
    expect(seconds(5000)).toBeLessThan(1000)
  })
})

describe('what may be an element or a value', () => {
  const compiles = (source: string) => {
    const start = performance.now()
    const { ok } = createCelEnvironment({ args: 'map' }).compile(source)
    return { ok, quick: performance.now() - start < 1000 }
  }

  it.each([
    ['indexes', `args.a${'[1]'.repeat(400)} == 1`],
    ['indexes that differ', `args.a${Array.from({ length: 60 }, (_, i) => `[${i}]`).join('')} == 1`],
    ['optional indexes', `args.a${'[?1]'.repeat(60)}.hasValue()`],
    [
      'values of macros',
      `args.a${Array.from({ length: 12 }, (_, i) => `.all(i${i}, v${i}, v${i}`).join('')} == 1${')'.repeat(12)}`,
    ],
    ['flattened lists', `args.a${'.flatten()'.repeat(60)} == []`],
    ['conditions', `args.a${'[args.b ? 1 : 0]'.repeat(50)} == 1`],
  ])('is told in no time: %s', (_, source) => {
    expect(compiles(source)).toEqual({ ok: true, quick: true })
  })
})

describe('bounds that a condition sets', () => {
  const worst = (source: string) => programOf(source).cost.max

  it.each([
    ['size(args.a) <= 100 && args.a.all(x, x != "q")'],
    ['args.a.size() < 100 && args.a.all(x, x != "q")'],
    ['100 >= size(args.a) && args.a.all(x, x != "q")'],
    ['size(args.a) == 5 && args.a.all(x, x != "q")'],
    ['n == 1 && size(args.a) <= 100 && has(args.a) && args.a.all(x, x != "q")'],
    ['(n == 1 && size(args.a) <= 100) && (args.a.all(x, x != "q") || n == 2)'],
    ['size(args.a) > 100 || args.a.all(x, x != "q")'],
    ['!(size(args.a) > 100) && args.a.all(x, x != "q")'],
    ['size(args.a) <= 100 ? args.a.all(x, x != "q") : false'],
    ['size(args.a) > 100 ? false : args.a.all(x, x != "q")'],
    ['size(args["a"]) <= 100 && args["a"].all(x, x != "q")'],
    ['size(xs) <= 100 && xs.all(x, x != "q")'],
    ['size(xs) <= 10 && xs.all(x, size(args.a) <= 10 && args.a.all(y, y != "q"))'],
  ])('%s', source => {
    expect(worst(source)).toBeLessThan(limits.budget / 5)
  })

  it.each([
    ['size(args.a) <= 100 || args.a.all(x, x != "q")'],
    ['size(args.a) > 100 && args.a.all(x, x != "q")'],
    ['size(args.a) >= 100 && args.a.all(x, x != "q")'],
    ['size(args.a) <= 100 && args.b.all(x, x != "q")'],
    ['(size(args.a) <= 100 || n == 1) && args.a.all(x, x != "q")'],
    ['args.a.all(x, x != "q") && size(args.a) <= 100'],
    ['size(args.a) <= 100 ? true : args.a.all(x, x != "q")'],
    ['size(args.a) <= n && args.a.all(x, x != "q")'],
    ['(size(args.a) <= 100 && n == 1) || args.a.all(x, x != "q")'],
    // Another x, whose list is another one.
    ['xs.all(x, objects.all(o, size(o.a) <= 100 && objects.all(p, p.a.all(y, y != "q"))))'],
  ])('says nothing: %s', source => {
    expect(worst(source)).toBeGreaterThan(limits.budget)
  })
})

describe('what large messages, as people send them, cost', () => {
  it.each([
    ["args.containers.all(c, c.image.startsWith('registry.example.com/'))"],
    ["args.containers.all(c, c.env.all(e, e.name != 'PASSWORD'))"],
    ["objects.all(o, o.object.spec.containers.all(c, c.env.all(e, e.name != 'PASSWORD')))"],
    ["args.text.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')"],
    ['args.text.matches(args.pattern)'],
    ['args.text.contains(args.word)'],
    ['args.list.all(i, i.name in args.allowed)'],
    ['xs.all(x, x in args.allowed)'],
    ["xs.all(x, ['a', 'b', 'c'].exists(p, x.startsWith(p)))"],
    ["args.csv.split(',').all(x, x.trim() != '')"],
    ["xs.map(x, x.split(',')).all(y, y.all(z, z != ''))"],
    ["args.a == args.b && args.labels.all(k, k.startsWith('team/'))"],
    ['sets.contains(xs, ["a", "b"])'],
    ["args.images.all(i, i.matches('^registry[.]example[.]com/[a-z/]+@sha256:[0-9a-f]{64}$'))"],
    ['size(args.a) <= 100 && size(args.b) <= 40 && args.a.all(x, args.b.exists(y, x == y))'],
  ])('is paid for: %s', source => {
    expect(programOf(source).ordinaryCost).toBeLessThanOrEqual(limits.budget)
  })

  it.each([
    ['args.a.all(x, args.b.exists(y, x == y))'],
    ['xs.all(x, xs.filter(y, y == x).size() == 1)'],
    ["args.items.map(i, args.text + i).all(t, t.matches('^[a-z]+$'))"],
    ['xs.all(x, args.text.contains(x))'],
    ["args.text.split('').all(c, c in args.allowed)"],
  ])('is too much: %s', source => {
    expect(programOf(source).ordinaryCost).toBeGreaterThan(limits.budget)
  })
})
