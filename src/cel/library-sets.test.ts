import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createCelEnvironment } from './create-environment.js'
import { kubernetesSets, type LibrarySet, librariesOf, librarySets, rulesOf } from './library-sets.js'
import { parseSignature } from './types/parse-signature.js'

/** What cel-go has in the environments of Kubernetes: version, function or macro, name, overload or number of arguments. */
const recorded = readFileSync(new URL('testdata/kubernetes-versions.tsv', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map(line => {
    const [since = '', kind, name = '', id = ''] = line.split('\t')
    return { since: Number(since.slice(2)), kind, name, id }
  })

/**
 * An API server of 1.36 offers selectors whatever version is asked for, because their feature is on in itself; an API server
 * of 1.30 has none.
 */
const later = new Map([
  ['authorizer_fieldselector', 31],
  ['authorizer_labelselector', 31],
])

/** A duration from an int would be nanoseconds, which nobody expects; Kubernetes does not document it. */
const notOffered = new Set(['int64_to_duration'])

/** Operators, which are no functions of a library here, and what two-variable macros call. */
const isOperator = (name: string) => /^[_!@-]|^in$|^cel\.@/.test(name) && name !== '@sortByAssociatedKeys'

const idsOf = (set: LibrarySet) => librarySets[set].flatMap(({ functions }) => functions.map(({ id }) => id))

describe.each(kubernetesSets)('%s', set => {
  const minor = Number(set.slice(-2))

  it('has the functions that cel-go has there, and no others', () => {
    const theirs = recorded.filter(
      ({ kind, since, name, id }) =>
        kind === 'function' && (later.get(id) ?? since) <= minor && !isOperator(name) && !notOffered.has(id),
    )
    expect(theirs.length).toBeGreaterThan(150)
    expect(idsOf(set).sort()).toEqual(theirs.map(({ id }) => id).sort())
  })

  const macros = new Map(
    recorded.filter(({ kind }) => kind === 'macro').map(({ name, id, since }) => [`${name}/${id}`, since]),
  )

  it.each([
    ['has/1', 'has(m.a)'],
    ['all/2', 'xs.all(x, x > 0)'],
    ['exists/2', 'xs.exists(x, x > 0)'],
    ['exists_one/2', 'xs.exists_one(x, x > 0)'],
    ['existsOne/2', 'xs.existsOne(x, x > 0)'],
    ['filter/2', 'xs.filter(x, x > 0)'],
    ['map/2', 'xs.map(x, x + 1)'],
    ['map/3', 'xs.map(x, x > 0, x + 1)'],
    ['optMap/2', 'm.?a.optMap(a, 1)'],
    ['optFlatMap/2', 'm.?a.optFlatMap(a, optional.of(1))'],
    ['all/3', 'xs.all(i, x, x > i)'],
    ['exists/3', 'xs.exists(i, x, x > i)'],
    ['exists_one/3', 'xs.exists_one(i, x, x > i)'],
    ['existsOne/3', 'xs.existsOne(i, x, x > i)'],
    ['transformList/3', 'xs.transformList(i, x, x + i)'],
    ['transformList/4', 'xs.transformList(i, x, x > i, x + i)'],
    ['transformMap/3', 'm.transformMap(k, v, k)'],
    ['transformMap/4', 'm.transformMap(k, v, k != "", k)'],
    ['transformMapEntry/3', 'm.transformMapEntry(k, v, {k: 1})'],
    ['transformMapEntry/4', 'm.transformMapEntry(k, v, k != "", {k: 1})'],
    ['sortBy/2', 'xs.sortBy(x, -x)'],
    ['cel.bind/3', 'cel.bind(x, 1, x)'],
  ])('has the macro %s if cel-go has it there', (macro, source) => {
    const since = macros.get(macro)
    const environment = createCelEnvironment({ xs: 'list(int)', m: 'map' }, { set })
    expect(environment.compile(source).ok).toBe(since !== undefined && since <= minor)
    expect(createCelEnvironment({ xs: 'list(int)', m: 'map' }).compile(source).ok).toBe(true)
  })

  it('has the budget of Kubernetes, and takes no time zone for UTC', () => {
    expect(rulesOf(set)).toMatchObject({ budget: 1_000_000, checkPrice: 350_000, needsTimeZone: false })
    const environment = createCelEnvironment({ t: 'google.protobuf.Timestamp' }, { set })
    expect(environment.compile('t.getHours() == 3').ok).toBe(true)
    expect(environment.compile('t.getHours("Berlin") == 3').ok).toBe(false)
  })

  it('has jsonpatch.escapeKey with objects only', () => {
    expect(librariesOf(set, true).length).toBe(librariesOf(set, false).length + 1)
  })
})

describe('the macros of the recording', () => {
  it('are all in the table above', () => {
    expect(recorded.filter(({ kind }) => kind === 'macro')).toHaveLength(20)
  })
})

describe('mcp-authz/v1', () => {
  it('is the newest Kubernetes and what its documentation says', () => {
    const newest = new Set(idsOf('kubernetes/1.36'))
    const more = librarySets['mcp-authz/v1']
      .flatMap(({ functions }) => functions)
      .filter(({ id }) => !newest.delete(id))
      .map(({ id, signature }) => parseSignature(id, signature).name)
    expect([...newest]).toEqual([])
    const isMore = /^(?:math\..+|base64\..+|regex\..+|includes|jsonpatch\.escapeKey)$/
    expect(more.filter(name => !isMore.test(name))).toEqual([])
  })
})

describe('what a set does not have is pointed to', () => {
  const variables = { xs: 'list(int)', s: 'string' }

  it.each<[LibrarySet, string, string, string]>([
    [
      'kubernetes/1.31',
      'xs.all(i, v, v > i)',
      'all() with two variables is not in kubernetes/1.31',
      'it is in kubernetes/1.32 and later, and in mcp-authz/v1',
    ],
    [
      'kubernetes/1.33',
      '[xs].exists(y, y.sortBy(x, -x) == y)',
      'sortBy() is not in kubernetes/1.33',
      'it is in kubernetes/1.34 and later, and in mcp-authz/v1',
    ],
    ['kubernetes/1.36', 'cel.bind(x, 1, x)', 'cel.bind() is not in kubernetes/1.36', 'it is in mcp-authz/v1'],
    [
      'kubernetes/1.36',
      'xs.existsOne(x, x > 1)',
      'existsOne() with one variable is not in kubernetes/1.36',
      'it is in mcp-authz/v1',
    ],
    ['kubernetes/1.36', 'math.abs(-1)', "undeclared reference to 'math.abs'", 'it is in mcp-authz/v1'],
    ['kubernetes/1.36', 'xs.includes(1)', "undeclared reference to 'includes'", 'it is in mcp-authz/v1'],
    [
      'kubernetes/1.28',
      'sets.contains(xs, xs)',
      "undeclared reference to 'sets'",
      'it is in kubernetes/1.29 and later, and in mcp-authz/v1',
    ],
    [
      'kubernetes/1.29',
      'ip(s).family() == 4',
      "undeclared reference to 'ip'",
      'it is in kubernetes/1.30 and later, and in mcp-authz/v1',
    ],
    [
      'kubernetes/1.32',
      'xs.all(x, semver(s).major() > x)',
      "undeclared reference to 'semver'",
      'it is in kubernetes/1.33 and later, and in mcp-authz/v1',
    ],
    [
      'kubernetes/1.33',
      'xs.distinct() == xs',
      "undeclared reference to 'distinct'",
      'it is in kubernetes/1.34 and later, and in mcp-authz/v1',
    ],
  ])('%s: %s', (set, source, message, hint) => {
    const compiled = createCelEnvironment(variables, { set }).compile(source)
    expect(compiled).toMatchObject({ ok: false, error: { message, hint } })
  })

  it('and what none has is not', () => {
    const compiled = createCelEnvironment(variables, { set: 'kubernetes/1.28' }).compile('frobnicate(s)')
    expect(compiled).toMatchObject({ ok: false, error: { message: "undeclared reference to 'frobnicate'" } })
    expect(!compiled.ok && compiled.error.hint).toBeUndefined()
  })
})
