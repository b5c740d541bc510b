import { describe, expect, it } from 'vitest'
import { type KindResolver, kindsOfCluster, type ServedResource } from './kind-resolver.js'
import { createKinds } from './kinds.js'

const served = (resource: string, namespaced: boolean, ...subresources: string[]): ServedResource => ({
  resource,
  namespaced,
  subresources,
})

const cluster = (known: Readonly<Record<string, ServedResource | 'ambiguous' | 'unavailable'>>): KindResolver => ({
  resolve(apiVersion, kind) {
    const found = known[`${apiVersion} ${kind}`]
    if (found === undefined) return { type: 'unknown' }
    return typeof found === 'string' ? { type: found } : { type: 'found', resource: found }
  },
})

const listed = createKinds([
  {
    ...{ apiVersion: 'example.com/v1', kind: 'Widget', group: 'example.com', version: 'v1' },
    ...{ resource: 'widgets', namespaced: true, scale: false, custom: true },
  },
])

describe('kindsOfCluster', () => {
  it('is the catalogue alone where nothing is known of the cluster', () => {
    expect(kindsOfCluster(listed, undefined)).toBe(listed)
  })

  it('knows the kinds that only the cluster has, as custom ones', () => {
    const kinds = kindsOfCluster(
      listed,
      cluster({ 'shop.example.com/v1beta1 Order': served('orders', false, 'scale') }),
    )
    expect(kinds.find('shop.example.com/v1beta1', 'Order')).toEqual({
      ok: true,
      kind: {
        ...{ apiVersion: 'shop.example.com/v1beta1', kind: 'Order', group: 'shop.example.com', version: 'v1beta1' },
        ...{ resource: 'orders', namespaced: false, scale: true, custom: true },
      },
    })
  })

  it.each([
    ['a built-in kind', 'apps/v1', 'Deployment', 'apps', false],
    ['a kind of the catalogue', 'example.com/v1', 'Widget', 'example.com', true],
  ])('takes plural and scope of %s from the cluster', (_, apiVersion, kind, group, custom) => {
    const kinds = kindsOfCluster(listed, cluster({ [`${apiVersion} ${kind}`]: served('others', false) }))
    expect(kinds.find(apiVersion, kind)).toEqual({
      ok: true,
      kind: { apiVersion, kind, group, version: 'v1', resource: 'others', namespaced: false, scale: false, custom },
    })
  })

  it('judges what it has in its table and the cluster does not tell of as the table has it', () => {
    const kinds = kindsOfCluster(listed, cluster({ 'v1 Pod': 'unavailable' }))
    for (const kind of ['Pod', 'Secret']) expect(kinds.find('v1', kind)).toEqual(listed.find('v1', kind))
  })

  it('refuses what two resources share, built in or not', () => {
    const kinds = kindsOfCluster(listed, cluster({ 'v1 Pod': 'ambiguous', 'a.example.com/v1 A': 'ambiguous' }))
    expect(kinds.find('v1', 'Pod')).toMatchObject({ ok: false })
    expect(kinds.find('a.example.com/v1', 'A')).toMatchObject({ ok: false })
  })

  it.each([
    ['unknown', {}],
    ['not discovered yet', { 'shop.example.com/v1 Order': 'unavailable' as const }],
  ])('refuses a kind that is %s, and says when to try again', (_, known) => {
    expect(kindsOfCluster(listed, cluster(known)).find('shop.example.com/v1', 'Order')).toEqual({
      ok: false,
      message: 'this apiVersion and kind are not known here, so nobody can be authorized for them',
      hint: 'the cluster does not serve it; if it was installed just now, try again in ten seconds',
    })
  })

  it.each([
    ['v1', 'pod', 'write apiVersion v1 and kind Pod'],
    ['v1', 'Deployment', 'write apiVersion apps/v1 and kind Deployment'],
  ])('keeps the better hint for %s %s', (apiVersion, kind, hint) =>
    expect(kindsOfCluster(listed, cluster({})).find(apiVersion, kind)).toMatchObject({ hint }),
  )

  it('refuses an apiVersion that is none, whatever the cluster says', () => {
    const kinds = kindsOfCluster(listed, cluster({ '/v1 Order': served('orders', true) }))
    expect(kinds.find('/v1', 'Order')).toMatchObject({ ok: false })
  })
})
