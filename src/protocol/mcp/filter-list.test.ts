import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { filterList, type ListFilter } from './filter-list.js'
import { type ListItem, type ListKind, readLists } from './read-lists.js'

const hidden = (item: ListItem) => !item.name.startsWith('x')

function filtered(text: string, keep = hidden, filter?: ListFilter): string {
  const result = filterList(Buffer.from(text), keep, filter)
  if (!result.ok) throw new Error(result.message)
  return Buffer.from(result.bytes).toString('utf8')
}

const tools = (items: string) => `{"jsonrpc":"2.0","id":1,"result":{"tools":[${items}]}}`
const tool = (name: string) => `{"name":"${name}","inputSchema":{"type":"object"}}`

describe('a list loses', () => {
  it.each<[string, string, string]>([
    ['nothing', `${tool('a')},${tool('b')}`, `${tool('a')},${tool('b')}`],
    ['the first', `${tool('x')},${tool('b')}`, tool('b')],
    ['the last', `${tool('a')},${tool('x')}`, tool('a')],
    ['one between', `${tool('a')},${tool('x')},${tool('c')}`, `${tool('a')},${tool('c')}`],
    ['runs', ['x1', 'x2', 'a', 'x3', 'x4', 'b', 'x5', 'x6'].map(tool).join(), `${tool('a')},${tool('b')}`],
    ['all', `${tool('x1')},${tool('x2')}`, ''],
    ['all of one', tool('x'), ''],
    ['nothing of nothing', '', ''],
    ['white space with what it stands before', ` ${tool('x')} , ${tool('a')} , ${tool('x')} `, ` ${tool('a')} `],
    ['a name in escapes', '{"n\\u0061me":"\\u0078"},{"name":"a"}', '{"name":"a"}'],
    ['a name beyond ASCII', '{"name":"xé😀"},{"name":"é"}', '{"name":"é"}'],
  ])('%s', (_name, before, after) => expect(filtered(tools(before))).toBe(tools(after)))

  it.each<[ListKind, string]>([
    ['tools', '{"name":"x","title":"a"},{"name":"a","title":"x"}'],
    ['prompts', '{"name":"x"},{"name":"a"}'],
    ['resources', '{"uri":"x://1","name":"a"},{"uri":"a://1","name":"x"}'],
    ['resourceTemplates', '{"uriTemplate":"x://{a}","name":"a"},{"uriTemplate":"a://{b}","name":"x"}'],
  ])('of %s what is called so', (list, items) => {
    const text = (inner: string) => `{"id":1,"result":{"${list}":[${inner}],"nextCursor":"c"}}`
    expect(filtered(text(items))).toBe(text(items.slice(items.indexOf('},') + 2)))
  })

  it('in every response of a batch, and in two lists of one result', () => {
    const batch = `[${tools(`${tool('x')},${tool('a')}`)}, {"id":2,"result":{"prompts":[{"name":"x"}],"tools":[${tool('x')}]}}]`
    expect(filtered(batch)).toBe(`[${tools(tool('a'))}, {"id":2,"result":{"prompts":[],"tools":[]}}]`)
  })

  it('what it shall, whichever the order of the members', () => {
    const text = `{"result":{"nextCursor":"c","tools":[${tool('x')}],"prompts":[{"name":"x"}]},"id":1}`
    expect(filtered(text)).toBe('{"result":{"nextCursor":"c","tools":[],"prompts":[]},"id":1}')
  })

  it('what it shall, even beside an error, a method, or another id', () => {
    const text = `{"id":99,"method":"a","error":{},"result":{"tools":[${tool('x')}]}}`
    expect(filtered(text)).toBe('{"id":99,"method":"a","error":{},"result":{"tools":[]}}')
  })

  it('only what is asked for', () => {
    const only = (id: string | undefined) => id === '2'
    expect(filtered(tools(tool('x')), hidden, { only })).toBe(tools(tool('x')))
  })
})

it('counts, and gives the same bytes back if nothing changes', () => {
  const bytes = Buffer.from(tools(`${tool('a')},${tool('b')}`))
  const result = filterList(bytes, () => true)
  expect(result).toMatchObject({ ok: true, kept: 2, removed: 0 })
  expect(result.ok && result.bytes).toBe(bytes)
  expect(filterList(bytes, item => item.index === 1)).toMatchObject({ kept: 1, removed: 1 })
})

describe('what a server may do in a list, and keeps working', () => {
  it.each<[string, string]>([
    ['numbers that no double holds', '{"name":"a","_meta":{"n":123456789012345678901234567890,"m":1e999}}'],
    ['half a surrogate pair in a description', '{"name":"a","description":"\\ud83d"}'],
    ['keys that come twice in a schema', '{"name":"a","inputSchema":{"type":"object","type":"object"}}'],
    [
      'names of schemas that are like ours',
      '{"name":"a","inputSchema":{"properties":{"Name":{},"NAME":{},"name":{}}}}',
    ],
    ['__proto__ in a schema', '{"name":"a","inputSchema":{"properties":{"__proto__":{}}}}'],
    ['an empty name', '{"name":""}'],
    ['the same name twice', '{"name":"a"},{"name":"a"}'],
  ])('%s', (_name, item) => expect(filtered(tools(`${item},${tool('x')}`))).toBe(tools(item)))

  it.each<[string, string]>([
    ['a byte order mark', `\ufeff${tools(tool('a'))}`],
    ['an error', '{"id":1,"error":{"code":-32601,"message":"no"}}'],
    ['capabilities that are called like lists', '{"id":1,"result":{"capabilities":{"tools":{},"prompts":{}}}}'],
    ['a result that is no object', '{"id":1,"result":[{"tools":[{"name":"x"}]}]}'],
    ['a null result', '{"id":1,"result":null}'],
    ['no message', '{"tools":[{"name":"x"}]}'],
    ['a notification', '{"method":"notifications/tools/list_changed"}'],
  ])('%s', (_name, text) => expect(filtered(text)).toBe(text))
})

describe('a list is refused', () => {
  const result = (members: string) => `{"id":1,"result":{${members}}}`
  it.each<[string, string, string]>([
    ['two lists of tools', result('"tools":[],"tools":[{"name":"x"}]'), 'response.duplicate_key'],
    ['the second in escapes', result('"tools":[],"t\\u006fols":[{"name":"x"}]'), 'response.duplicate_key'],
    ['the second in capitals', result('"tools":[],"Tools":[{"name":"x"}]'), 'response.folded_key'],
    ['the only one in capitals', result('"TOOLS":[{"name":"x"}]'), 'response.folded_key'],
    ['templates in another case', result('"resourcetemplates":[]'), 'response.folded_key'],
    ['in the prototype', result('"__proto__":{"tools":[{"name":"x"}]}'), 'response.forbidden_key'],
    ['a control character in a key', result('"tools\\u0000":[]'), 'response.forbidden_key'],
    ['no array', result('"tools":{"0":{"name":"x"}}'), 'response.list'],
    ['null', result('"tools":null'), 'response.list'],
    ['an item that is no object', tools('"x"'), 'response.item'],
    ['an item in an array', tools(`[${tool('x')}]`), 'response.item'],
    ['an item that is null', tools('null'), 'response.item'],
    ['an item without a name', tools('{"title":"x"}'), 'response.item'],
    ['a name that is a number', tools('{"name":1}'), 'response.item'],
    ['a name that is null', tools('{"name":null}'), 'response.item'],
    ['a name with half a surrogate pair', tools('{"name":"a\\ud800"}'), 'response.item'],
    ['two names', tools('{"name":"a","name":"x"}'), 'response.duplicate_key'],
    ['two names, one in escapes', tools('{"name":"a","\\u006eame":"x"}'), 'response.duplicate_key'],
    ['a name in another case too', tools('{"name":"a","Name":"x"}'), 'response.folded_key'],
    ['a name in the prototype', tools('{"name":"a","__proto__":{"name":"x"}}'), 'response.forbidden_key'],
    ['a resource without a uri', result('"resources":[{"name":"a"}]'), 'response.item'],
    ['a template named by its uri', result('"resourceTemplates":[{"uri":"a"}]'), 'response.item'],
    ['two results', '{"id":1,"result":{"tools":[]},"result":{"tools":[{"name":"x"}]}}', 'response.duplicate_key'],
    ['something behind it', `${tools('')}${tools(tool('x'))}`, 'response.not_json'],
    ['two cursors', result('"tools":[],"nextCursor":"a","nextCursor":"b"'), 'response.duplicate_key'],
    ['two scopes', result('"tools":[],"cacheScope":"private","cacheScope":"public"'), 'response.duplicate_key'],
  ])('%s', (_name, text, reason) => {
    expect(filterList(Buffer.from(text), () => true)).toMatchObject({ ok: false, reason })
  })

  it.each<[string, ListFilter, string]>([
    ['too large', { maxBytes: 10 }, 'response.too_large'],
    ['too deep', { maxDepth: 3 }, 'response.too_deep'],
    ['too many members', { maxNodes: 8 }, 'response.too_many_members'],
  ])('that is %s', (_name, limits, reason) => {
    expect(filterList(Buffer.from(tools(tool('a'))), () => true, limits)).toMatchObject({ ok: false, reason })
  })
})

describe('the scope of caches', () => {
  const scoped = (text: string) => filtered(text, () => true, { cacheScope: 'private' })
  it.each<[string, string, string]>([
    ['is made private', '"cacheScope" : "public","tools":[]', '"cacheScope" : "private","tools":[]'],
    ['stays private', '"tools":[],"cacheScope":"private"', '"tools":[],"cacheScope":"private"'],
    ['is made a string', '"tools":[],"cacheScope":{"a":1},"ttlMs":1', '"tools":[],"cacheScope":"private","ttlMs":1'],
    ['is said where a time is', '"ttlMs":5, "tools":[]', '"ttlMs":5,"cacheScope":"private", "tools":[]'],
    ['is not said in the legacy era', '"tools":[]', '"tools":[]'],
    [
      'stays public where there is no list',
      '"contents":[],"cacheScope":"public"',
      '"contents":[],"cacheScope":"public"',
    ],
  ])('%s', (_name, before, after) => {
    expect(scoped(`{"id":1,"result":{${before}}}`)).toBe(`{"id":1,"result":{${after}}}`)
  })

  it('changes together with the list', () => {
    const text = '{"id":1,"result":{"ttlMs":1,"tools":[{"name":"x"},{"name":"a"}],"cacheScope":"public","prompts":[]}}'
    expect(filtered(text, hidden, { cacheScope: 'private' })).toBe(
      '{"id":1,"result":{"ttlMs":1,"tools":[{"name":"a"}],"cacheScope":"private","prompts":[]}}',
    )
  })

  it('stays as it is if nobody asks', () => {
    const text = '{"id":1,"result":{"tools":[],"cacheScope":"public"}}'
    expect(filtered(text, () => false)).toBe(text)
  })
})

it('reads what else a list says', () => {
  const text = '{"id":1,"result":{"tools":[{"name":"a"}],"nextCursor":"c\\u0031","ttlMs":5,"resultType":"complete"}}'
  const lists = readLists(Buffer.from(text))
  if (!lists.ok) throw new Error(lists.message)
  const [result] = lists.results
  if (result?.nextCursor === undefined || result.ttlMs === undefined || result.resultType === undefined) {
    throw new Error('members are missing')
  }
  expect(lists.outline.string(result.nextCursor)).toBe('c1')
  expect(lists.outline.lexeme(result.ttlMs)).toBe('5')
  expect(lists.outline.lexeme(result.resultType)).toBe('"complete"')
  const [item] = result.lists[0]?.items ?? []
  expect(item && text.slice(item.start, item.end)).toBe('{"name":"a"}')
})

const name = fc.string({ unit: 'grapheme', maxLength: 6 })
const listed = fc
  .tuple(name, fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue(), { maxKeys: 3 }))
  .map(([called, rest]) => {
    const others = Object.entries(rest).filter(
      ([key]) => !/^(?:name|uri|uritemplate|__proto__)$/i.test(key) && !/\p{Cc}/u.test(key),
    )
    return { ...Object.fromEntries(others), name: called }
  })
const message = fc.record({
  jsonrpc: fc.constant('2.0'),
  id: fc.oneof(fc.nat(), fc.string()),
  result: fc.record({ tools: fc.array(listed, { maxLength: 8 }), nextCursor: fc.string(), other: fc.jsonValue() }),
})

it('does what parsing, filtering and writing would do, to every other byte nothing', () => {
  const text = fc
    .tuple(message, fc.constantFrom(undefined, 1, '\t\t'))
    .map(([one, indent]) => JSON.stringify(one, undefined, indent))
  fc.assert(
    fc.property(text, fc.func(fc.boolean()), (source, wanted) => {
      const parsed = JSON.parse(source)
      const expected = {
        ...parsed.result,
        tools: parsed.result.tools.filter((one: { name: string }) => wanted(one.name)),
      }
      const after = filtered(source, item => wanted(item.name))
      expect(JSON.parse(after)).toEqual({ ...parsed, result: expected })
      // Without white space the two are the same to the byte.
      if (!source.includes('\n')) expect(after).toBe(JSON.stringify({ ...parsed, result: expected }))
    }),
    { numRuns: 500 },
  )
})

it('never throws, and passes nothing on that is not JSON', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc
      .array(fc.constantFrom('{"id":1,"result":', '{"tools":[', '{"name":', '"x"', ',', ']', '}', '{', '"tools":'), {
        maxLength: 14,
      })
      .map(pieces => Buffer.from(pieces.join(''))),
  )
  fc.assert(
    fc.property(bytes, one => {
      const result = filterList(one, hidden)
      if (result.ok)
        expect(() =>
          JSON.parse(
            Buffer.from(result.bytes)
              .toString('utf8')
              .replace(/^\ufeff/, ''),
          ),
        ).not.toThrow()
    }),
    { numRuns: 3000 },
  )
})

it('removes half of a very long list', () => {
  const many = Array.from({ length: 160_000 }, (_, at) => `{"name":"${at % 2 === 0 ? 'x' : 'a'}"}`)
  const result = filterList(Buffer.from(tools(many.join())), hidden)
  expect(result).toMatchObject({ ok: true, kept: 80_000, removed: 80_000 })
})
