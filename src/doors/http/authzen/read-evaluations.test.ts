import { describe, expect, it } from 'vitest'
import { jsonObject } from './authzen.fixture.js'
import { readEvaluations } from './read-evaluations.js'

const limits = { maxBytes: 4096, maxEvaluations: 3 }
const many = (value: unknown) => readEvaluations(Buffer.from(JSON.stringify(value)), 'evaluations', limits)

describe('readEvaluations', () => {
  it('replaces a default as a whole, so that no subject keeps the token of another', () => {
    const read = many({
      subject: { type: 'identity', id: 'alice', properties: { access_token: 'a' } },
      action: { name: 'tools/call' },
      evaluations: [{ subject: { type: 'identity', id: 'bob' } }, { action: { name: 'tools/list' } }, {}],
    })
    if (!read.ok || !read.many) throw new Error('not read')
    expect(read.semantic).toBe('execute_all')
    expect(read.tuples.map(({ subject }) => subject)).toEqual([
      jsonObject({ type: 'identity', id: 'bob' }),
      jsonObject({ type: 'identity', id: 'alice', properties: { access_token: 'a' } }),
      jsonObject({ type: 'identity', id: 'alice', properties: { access_token: 'a' } }),
    ])
    expect(read.tuples.map(({ action }) => action)).toEqual([
      jsonObject({ name: 'tools/call' }),
      jsonObject({ name: 'tools/list' }),
      jsonObject({ name: 'tools/call' }),
    ])
  })

  it('does not take null for a wish for the default', () => {
    const read = many({ subject: { type: 'identity', id: 'alice' }, evaluations: [{ subject: null }] })
    expect(read).toMatchObject({ ok: true, tuples: [{ subject: null }] })
  })

  it.each<[string, unknown]>([
    ['no list', { subject: {} }],
    ['an empty list', { subject: {}, evaluations: [] }],
  ])('is a single evaluation with %s', (_name, value) => {
    expect(many(value)).toMatchObject({ ok: true, many: false })
  })

  it.each(['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'])('knows %s', semantic => {
    expect(many({ evaluations: [{}], options: { evaluations_semantic: semantic, other: 1 } })).toMatchObject({
      semantic,
    })
  })

  it.each<[string, string, number]>([
    ['no JSON', '{', 400],
    ['nothing', '', 400],
    ['two values', '{}{}', 400],
    ['a list', '[]', 400],
    ['a key twice', '{"subject":{"id":"alice"},"subject":{"id":"admin"}}', 400],
    ['a key twice, one of them escaped', '{"subject":{"id":"alice"},"\\u0073ubject":{"id":"admin"}}', 400],
    ['a key twice, deep inside', '{"evaluations":[{"action":{"name":"a","name":"b"}}]}', 400],
    ['a prototype', '{"evaluations":[{"__proto__":{}}]}', 400],
    ['a byte order mark', '\ufeff{}', 400],
    ['bytes that are no UTF-8', '{"a":"\ud800"}', 400],
    ['an evaluation that is no object', '{"evaluations":[[]]}', 400],
    ['a list that is none', '{"evaluations":{"0":{}}}', 400],
    ['null as list', '{"evaluations":null}', 400],
    ['an unknown semantic', '{"evaluations":[{}],"options":{"evaluations_semantic":"permit_all"}}', 400],
    ['a semantic in other case', '{"evaluations":[{}],"options":{"evaluations_semantic":"EXECUTE_ALL"}}', 400],
    ['options that are a list', '{"evaluations":[{}],"options":[]}', 400],
    ['more evaluations than allowed', '{"evaluations":[{},{},{},{}]}', 413],
    ['more bytes than allowed', `{"a":"${'x'.repeat(5000)}"}`, 413],
    ['more depth than anybody needs', `${'['.repeat(1000)}${']'.repeat(1000)}`, 400],
  ])('refuses %s', (_name, text, status) => {
    const bytes = text.includes('\ud800') ? Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]) : Buffer.from(text)
    expect(readEvaluations(bytes, 'evaluations', limits)).toMatchObject({ ok: false, status })
  })

  it('refuses more members than anybody needs', () => {
    const text = `{"evaluations":[${'{},'.repeat(30_000)}{}]}`
    const read = readEvaluations(Buffer.from(text), 'evaluations', { maxBytes: 1_000_000, maxEvaluations: 50_000 })
    expect(read).toMatchObject({ ok: false, status: 400 })
  })

  it('refuses several evaluations at the endpoint for one', () => {
    const read = readEvaluations(Buffer.from('{"evaluations":[]}'), 'evaluation', limits)
    expect(read).toMatchObject({ ok: false, status: 400 })
  })
})
