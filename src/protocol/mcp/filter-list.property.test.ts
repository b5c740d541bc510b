import fc from 'fast-check'
import { expect, it } from 'vitest'
import { filterList } from './filter-list.js'

/** JSON with its repeated keys, which JSON.parse does not show. */
type Tree = string | number | boolean | null | Tree[] | Members
class Members {
  readonly pairs: [string, Tree][] = []
}

/** A parser that has nothing in common with ours but the RFC. Expects JSON. */
function parse(text: string): Tree {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gu) ?? []
  let at = 0
  const value = (): Tree => {
    const token = tokens[at++] ?? ''
    if (token === '[') {
      const items: Tree[] = []
      while (tokens[at] !== ']') {
        items.push(value())
        if (tokens[at] === ',') at++
      }
      at++
      return items
    }
    if (token !== '{') return JSON.parse(token)
    const object = new Members()
    while (tokens[at] !== '}') {
      const key: string = JSON.parse(tokens[at] ?? '')
      at += 2
      object.pairs.push([key, value()])
      if (tokens[at] === ',') at++
    }
    at++
    return object
  }
  return value()
}

/** How clients find a member: each takes a key for another, or one of two for the one that counts. */
const fold = (key: string) => key.toUpperCase().toLowerCase()
const finders: { readonly [client: string]: (object: Members, key: string) => Tree | undefined } = {
  'the last': ({ pairs }, key) => pairs.findLast(([one]) => one === key)?.[1],
  'the first': ({ pairs }, key) => pairs.find(([one]) => one === key)?.[1],
  'the last in any case': ({ pairs }, key) => pairs.findLast(([one]) => fold(one) === fold(key))?.[1],
  'the first in any case': ({ pairs }, key) => pairs.find(([one]) => fold(one) === fold(key))?.[1],
  'up to NUL': ({ pairs }, key) => pairs.findLast(([one]) => one.split('\0')[0] === key)?.[1],
  'of the prototype': ({ pairs }, key) => {
    const own = pairs.findLast(([one]) => one === key)
    if (own !== undefined) return own[1]
    const prototype = pairs.findLast(([one]) => one === '__proto__')?.[1]
    return prototype instanceof Members ? prototype.pairs.findLast(([one]) => one === key)?.[1] : undefined
  },
}

/** The names that a client shows, whatever it was asked for. */
function namesIn(text: string, find: (object: Members, key: string) => Tree | undefined): unknown[] {
  const answer = parse(text)
  return (Array.isArray(answer) ? answer : [answer]).flatMap(message => {
    const result = message instanceof Members ? find(message, 'result') : undefined
    const tools = result instanceof Members ? find(result, 'tools') : undefined
    if (!Array.isArray(tools)) return []
    return tools.map(tool => (tool instanceof Members ? find(tool, 'name') : undefined))
  })
}

/** Keys of the protocol, and all that some client takes for one. */
const keyLike = (key: string) =>
  fc.oneof(
    { weight: 30, arbitrary: fc.constant(JSON.stringify(key)) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        JSON.stringify(key.toUpperCase()),
        JSON.stringify(key.replace('s', '\u017f')),
        `"\\u00${key.charCodeAt(0).toString(16)}${key.slice(1)}"`,
        JSON.stringify(`${key}\0`),
        '"__proto__"',
        '"constructor"',
        '"x"',
      ),
    },
  )
const object = (...members: fc.Arbitrary<string>[]) =>
  fc.array(fc.oneof(...members), { maxLength: 3 }).map(all => `{${all.join(',')}}`)
const member = (key: string, value: fc.Arbitrary<string>) =>
  fc.tuple(keyLike(key), value).map(([name, one]) => `${name}:${one}`)
const array = (item: fc.Arbitrary<string>) => fc.array(item, { maxLength: 3 }).map(all => `[${all.join(' , ')}]`)
const name = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('"x1"', '"x2"', '"\\u0078"', '"a"', '"b"', '"é"') },
  fc.constantFrom('1', 'null', '["x1"]'),
)
const often = <T>(arbitrary: fc.Arbitrary<T>) => ({ weight: 4, arbitrary })
const wrapped = (key: string, value: fc.Arbitrary<string>) => member(key, value).map(one => `{${one}}`)
const tool = fc.oneof(
  object(member('name', name), fc.constant('"title":"x"')),
  wrapped('name', name),
  fc.constant('"x"'),
)
const result = fc.oneof(
  object(member('tools', array(tool)), fc.constant('"_meta":{}')),
  often(wrapped('tools', array(tool))),
)
const message = fc.oneof(object(member('result', result), fc.constant('"id":1')), often(wrapped('result', result)))
const answer = fc.oneof(message, array(message))

it('hides what it shall from every client, or fails', () => {
  let passed = 0
  let shown = 0
  fc.assert(
    fc.property(answer, text => {
      const done = filterList(Buffer.from(text), item => !item.name.startsWith('x'))
      if (!done.ok) return
      passed++
      const after = Buffer.from(done.bytes).toString('utf8')
      for (const [client, find] of Object.entries(finders)) {
        const names = namesIn(after, find)
        shown += names.length
        expect(
          names.filter(one => typeof one !== 'string' || one.startsWith('x')),
          client,
        ).toEqual([])
      }
    }),
    { numRuns: 5000 },
  )
  // Neither everything refused nor nothing to see.
  expect(passed).toBeGreaterThan(300)
  expect(shown).toBeGreaterThan(300)
})

it.each(Object.entries(finders))(
  'and the client that takes %s can be fooled by what is not filtered',
  (_client, find) => {
    const texts = [
      '{"result":{"tools":[],"tools":[{"name":"x"}]}}',
      '{"result":{"tools":[{"name":"x"}],"tools":[]}}',
      '{"result":{"TOOLS":[{"name":"x"}]}}',
      '{"result":{"tools\\u0000":[{"name":"x"}]}}',
      '{"result":{"__proto__":{"tools":[{"name":"x"}]}}}',
    ]
    expect(texts.some(text => namesIn(text, find).includes('x'))).toBe(true)
    for (const text of texts) expect(filterList(Buffer.from(text), () => false).ok).toBe(false)
  },
)
