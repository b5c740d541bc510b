import { describe, expect, it } from 'vitest'
import { caller, server, shippedCatalog } from './catalog.fixture.js'
import type { KindResolver } from './kind-resolver.js'

const orders: KindResolver = {
  resolve: (apiVersion, kind) =>
    apiVersion === 'shop.example.com/v1' && kind === 'Order'
      ? { type: 'found', resource: { resource: 'orders', namespaced: true, subresources: ['scale'] } }
      : { type: 'unknown' },
}
const there = { ...server, kinds: new Map([['west', orders]]) }
const { call, operations } = caller(shippedCatalog('kubernetes-mcp-server'))
const order = { apiVersion: 'shop.example.com/v1', kind: 'Order', name: 'o-1', namespace: 'dev' }
const manifest = 'apiVersion: shop.example.com/v1\nkind: Order\nmetadata: { name: o-1, namespace: dev }\n'

describe('kinds of the cluster that a call is for', () => {
  it('are known there', () => {
    const context = 'ctx-b'
    expect(operations('resources_get', { ...order, context }, there)).toEqual(['get shop.example.com/orders dev o-1'])
    expect(operations('resources_scale', { ...order, scale: 2n, context }, there)).toContain(
      'update shop.example.com/orders/scale dev o-1',
    )
    expect(operations('resources_create_or_update', { resource: manifest, context }, there)).toContain(
      'patch shop.example.com/orders dev o-1',
    )
  })

  it('are not known in another one', () => {
    expect(operations('resources_get', order, there)).toBe('authorization.kind_unknown')
    expect(operations('resources_create_or_update', { resource: manifest }, there)).toBe('authorization.kind_unknown')
  })

  it('say nothing about images: what a custom object holds is unknown', () => {
    const resolved = call('resources_create_or_update', { resource: manifest, context: 'ctx-b' }, there)
    expect(resolved).toMatchObject({ ok: true, images: undefined, replicas: undefined })
  })
})
