import { describe, expect, it } from 'vitest'
import { json } from './fake-collection.fixture.js'
import { readResourceList } from './read-discovery.js'

describe('readResourceList', () => {
  it('gives subresources to their resource, wherever they stand', () => {
    const names = ['pods/log', 'pods', 'pods/exec', 'podsets', 'podsets/scale', 'gone/status']
    const resources = names.map(name => ({ name, kind: 'Some', namespaced: true, verbs: ['get'] }))
    const read = readResourceList(json({ kind: 'APIResourceList', resources }), 'v1')
    expect(read?.map(({ resource, subresources }) => [resource, subresources])).toEqual([
      ['pods', ['log', 'exec']],
      ['podsets', ['scale']],
    ])
  })

  it('takes time in proportion to what is listed', () => {
    const resources = Array.from({ length: 60_000 }, (_, at) => ({ name: `r${at}`, kind: 'Some' }))
    expect(readResourceList(json({ kind: 'APIResourceList', resources }), 'a/v1')).toHaveLength(60_000)
  })
})
