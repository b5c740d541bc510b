import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Decision, HeaderValue } from '../../decision/decision.js'
import { callerBegin, knownCaller } from './caller-headers.js'
import { writeCheckResponse } from './write-check-response.js'

function allow(setHeaders: readonly HeaderValue[]): Decision {
  return {
    ...{ id: 'd', outcome: 'allow', failure: undefined, would: [], warnings: [], metadata: new Map() },
    answer: { kind: 'allow', setHeaders, removeHeaders: [], responseHeaders: [] },
  }
}

/** What becomes of the answer: its bytes, or what is wrong with it. */
function written(headers: readonly HeaderValue[]): string {
  const result = writeCheckResponse(allow(headers))
  return result.ok ? Buffer.from(result.bytes).toString('hex') : result.detail
}

/** The same for headers that nobody has seen before. */
function writtenAnew(headers: readonly HeaderValue[]): string {
  return written(headers.map(header => ({ ...header })))
}

const known = (headers: readonly HeaderValue[]) => knownCaller(headers, callerBegin(headers))

const user = { name: 'x-mcp-authz-user', value: 'alice' }
const groups = { name: 'x-mcp-authz-groups', value: 'staff,oncall' }
const id = { name: 'x-mcp-authz-decision-id', value: '1' }
const token = { name: 'authorization', value: 'Bearer t' }

describe('headers about the caller', () => {
  it('are written as if nothing were known of them, whatever comes with them and whatever becomes of them', () => {
    const name = fc.constantFrom(
      ...['x-mcp-authz-user', 'x-mcp-authz-groups', 'x-mcp-authz-agent', 'x-mcp-authz-chain', 'authorization', 'Host'],
    )
    const value = fc.constantFrom('a', 'b', 'żółw', ' a', 'a\r\nb', '\ud800', 'x'.repeat(1500))
    const headers = fc.uniqueArray(fc.record({ name, value }), {
      minLength: 1,
      maxLength: 6,
      selector: one => one.name,
    })
    const change = fc.record({ at: fc.nat(5), name, value })
    const order = fc.array(fc.nat(5), { maxLength: 6 })
    fc.assert(
      fc.property(headers, fc.array(fc.tuple(order, fc.option(change)), { maxLength: 6 }), (pool, turns) => {
        const objects = pool.map(one => ({ ...one }))
        expect(written(objects)).toBe(writtenAnew(objects))
        for (const [picked, changed] of turns) {
          const object = objects[changed?.at ?? -1]
          if (changed !== null && object !== undefined)
            Object.assign(object, { name: changed.name, value: changed.value })
          const some = picked.flatMap(at => objects[at] ?? [])
          for (const one of [some, objects, objects]) expect(written(one)).toBe(writtenAnew(one))
        }
      }),
      { numRuns: 500 },
    )
  })

  it('are known once they were in order, and nothing else is', () => {
    const headers = [id, user, groups, token]
    expect(known(headers)).toBeUndefined()
    written(headers)
    expect(known(headers)?.headers).toEqual([user, groups])
    expect(known([{ ...user }, groups])).toBeUndefined()
    expect(known([user])).toBeUndefined()
    expect(known([user, { ...groups, value: 'root' }])).toBeUndefined()
  })

  it('are not known where one of the others is not in order', () => {
    const first = { ...user }
    expect(written([first, { ...token, value: 'a\nb' }])).toContain('cannot be sent')
    expect(known([first])).toBeUndefined()
  })

  it('are not set twice, known or not', () => {
    written([user, groups])
    expect(written([groups, user, groups])).toBe('header x-mcp-authz-groups is set twice')
    expect(written([user, groups, user])).toBe('header x-mcp-authz-user is set twice')
  })

  it('count as what they are', () => {
    written([user, groups])
    const rest = Array.from({ length: 7 }, (_, i) => ({ name: `x-${i}`, value: 'x'.repeat(4090) }))
    expect(written([user, groups, ...rest])).toContain('headers of more than')
  })

  it('are not kept when they are long', () => {
    const long = [{ ...user }, { ...groups, value: 'g'.repeat(2048) }]
    expect(written(long)).toBe(writtenAnew(long))
    expect(known(long)).toBeUndefined()
  })
})
