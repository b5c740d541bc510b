import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apiPath, isPathSegment, strictFields, withQuery } from './api-path.js'

describe('apiPath', () => {
  it.each([
    [['api', 'v1', 'pods'], '/api/v1/pods'],
    [
      ['apis', 'rbac.authorization.k8s.io', 'v1', 'clusterroles', 'system:node'],
      '/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode',
    ],
    [['api', 'ü?#&\\ '], '/api/%C3%BC%3F%23%26%5C%20'],
    [['api', '...'], '/api/...'],
    [['x'.repeat(253)], `/${'x'.repeat(253)}`],
  ])('puts %j together', (segments, path) => {
    expect(apiPath(segments)).toBe(path)
  })

  it.each(['', '.', '..', 'default/../kube-system', '/', 'a%2fb', 'x'.repeat(254), '\ud800'])(
    'refuses the segment %j',
    name => {
      expect(apiPath(['api', 'v1', 'namespaces', name, 'configmaps'])).toBeUndefined()
      expect(isPathSegment(name)).toBe(false)
    },
  )

  it('never lets a name leave its place', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), name => {
        const path = apiPath(['api', name, 'pods'], { limit: 1 })
        if (path === undefined) return
        expect(path).toMatch(/^\/api\/[\x21-\x7e]+\/pods\?limit=1$/)
        expect(new URL(path, 'https://a').pathname).toBe(path.slice(0, -'?limit=1'.length))
        expect(decodeURIComponent(path.split('/')[2] ?? '')).toBe(name)
      }),
    )
  })
})

describe('withQuery', () => {
  it('encodes values, leaves out what is undefined, and adds to a query that is there', () => {
    expect(
      withQuery('/api/v1/configmaps', { labelSelector: 'a=b,c', limit: 500, continue: undefined, watch: true }),
    ).toBe('/api/v1/configmaps?labelSelector=a%3Db%2Cc&limit=500&watch=true')
    expect(withQuery('/a?b=c', strictFields)).toBe('/a?b=c&fieldValidation=Strict')
    expect(withQuery('/a', {})).toBe('/a')
    expect(withQuery('/a', { b: '\ud800' })).toBe('/a?b=%EF%BF%BD')
  })
})
