import { describe, expect, it } from 'vitest'
import type { ApiRequest, ApiResponse, ApiServer } from './api-server.js'
import { json, unavailable } from './fake-collection.fixture.js'
import { listCollection } from './list-collection.js'

const item = (name: string) => ({ metadata: { name, resourceVersion: '1' } })
const page = (names: readonly string[], token?: string): ApiResponse => ({
  ok: true,
  status: 200,
  body: json({ metadata: { resourceVersion: '7', ...(token && { continue: token }) }, items: names.map(item) }),
})
const tooLarge: ApiResponse = {
  ok: false,
  reason: 'malformed',
  status: 200,
  message: 'it is larger than 16777216 bytes',
}

function list(answer: (query: URLSearchParams) => ApiResponse, limits = { maxObjects: 100, maxBytes: 100_000 }) {
  const asked: string[] = []
  const api: ApiServer = {
    cluster: 'local',
    request({ path }: ApiRequest) {
      asked.push(path)
      return Promise.resolve(answer(new URLSearchParams(path.slice(path.indexOf('?')))))
    },
    follow: () => ({ close() {} }),
    close() {},
  }
  const request = {
    api,
    path: '/apis/x/v1/things',
    selectors: {},
    accept: undefined,
    timeoutMs: 1_000,
    known: () => undefined,
    ...limits,
  }
  return { asked, listed: listCollection(request) }
}

describe('listCollection', () => {
  it('takes an empty list, also as a Go server may write it', async () => {
    for (const items of [[], null]) {
      const body = json({ metadata: { resourceVersion: '7' }, items })
      const { listed } = list(() => ({ ok: true, status: 200, body }))
      expect(await listed).toMatchObject({ ok: true, resourceVersion: '7', bytes: 0 })
    }
  })

  it('takes smaller pages where they are too large, down to one object', async () => {
    const small = list(query => (Number(query.get('limit')) > 5 ? tooLarge : page(['a'])))
    expect(await small.listed).toMatchObject({ ok: true })
    expect(small.asked).toHaveLength(3)
    const never = list(() => tooLarge)
    expect(await never.listed).toMatchObject({ ok: false, reason: 'failed' })
    expect(never.asked).toHaveLength(4)
  })

  it('gives the page after a token that has to be encoded', async () => {
    const { listed, asked } = list(query => (query.get('continue') === null ? page(['a'], 'x/+&=') : page(['b'])))
    const all = await listed
    expect(all.ok && [...all.objects.keys()]).toEqual(['a', 'b'])
    expect(asked[1]).toBe('/apis/x/v1/things?limit=500&continue=x%2F%2B%26%3D')
  })

  it.each([
    ['a list without end', () => page(['a'], String(Math.random()))],
    ['a list whose pages are empty, without end', () => page([], 'next')],
    ['an answer that is no list', (): ApiResponse => ({ ok: true, status: 200, body: json({ kind: 'Status' }) })],
    ['text', (): ApiResponse => ({ ok: true, status: 200, body: json('hello') })],
    [
      'a list of what has no name',
      (): ApiResponse => ({ ok: true, status: 200, body: json({ metadata: { resourceVersion: '1' }, items: [{}] }) }),
    ],
    [
      'a list without a version',
      (): ApiResponse => ({ ok: true, status: 200, body: json({ metadata: {}, items: [] }) }),
    ],
    [
      'items that are no list',
      (): ApiResponse => ({ ok: true, status: 200, body: json({ metadata: { resourceVersion: '1' }, items: {} }) }),
    ],
    ['a failure', () => unavailable],
    [
      'pages that always expire',
      (query: URLSearchParams): ApiResponse =>
        query.get('continue') === null
          ? page(['a'], 'x')
          : { ok: false, reason: 'refused', status: 410, message: 'gone' },
    ],
  ])('fails on %s', async (_, answer) =>
    expect(await list(answer).listed).toMatchObject({ ok: false, reason: 'failed' }),
  )

  it.each([
    ['objects', { maxObjects: 2, maxBytes: 100_000 }],
    ['bytes', { maxObjects: 100, maxBytes: 100 }],
  ])('stops where there are too many %s', async (_, limits) => {
    const { listed, asked } = list(() => page(['a', 'b', 'c'], 'more'), limits)
    expect(await listed).toMatchObject({ ok: false, reason: 'limits' })
    expect(asked).toHaveLength(1)
  })
})
