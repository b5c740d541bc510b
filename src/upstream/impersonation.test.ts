import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ImpersonationSettings, impersonate } from './impersonation.js'
import { principalOf } from './upstream.fixture.js'

const plain: ImpersonationSettings = { groups: undefined, uid: false, extra: [] }
const person = (username: string, groups: string[] = [], uid = '', extra: Record<string, string[]> = {}) =>
  principalOf({
    user: { username, uid, groups: [...groups, 'system:authenticated'], extra: new Map(Object.entries(extra)) },
  })

describe('impersonate', () => {
  it.each<[string, ReturnType<typeof person>, Partial<ImpersonationSettings>, string[]]>([
    ['a user', person('alice'), {}, ['impersonate-user: alice']],
    ['a user in a group', person('alice', ['staff']), {}, ['impersonate-user: alice', 'impersonate-group: staff']],
    ['a name with spaces inside', person('Alice B'), {}, ['impersonate-user: Alice B']],
    [
      'the listed one of many groups',
      person('alice', ['a', 'b', 'c']),
      { groups: ['b', 'x'] },
      ['impersonate-user: alice', 'impersonate-group: b'],
    ],
    ['none of the groups', person('alice', ['a', 'b']), { groups: ['x'] }, ['impersonate-user: alice']],
    ['no uid unless asked', person('alice', [], 'u-1'), {}, ['impersonate-user: alice']],
    ['a uid', person('alice', [], 'u-1'), { uid: true }, ['impersonate-user: alice', 'impersonate-uid: u-1']],
    ['no uid where there is none', person('alice'), { uid: true }, ['impersonate-user: alice']],
    [
      'extra',
      person('alice', [], '', { 'example.com/team': ['a'], other: ['b'] }),
      { extra: ['example.com/team', 'absent'] },
      ['impersonate-user: alice', 'impersonate-extra-example.com%2fteam: a'],
    ],
    [
      'a ServiceAccount, whose groups the API server knows',
      person('system:serviceaccount:ns:bot', ['system:serviceaccounts', 'system:serviceaccounts:ns']),
      {},
      ['impersonate-user: system:serviceaccount:ns:bot'],
    ],
  ])('tells %s', (_name, principal, settings, expected) => {
    const told = impersonate(principal, { ...plain, ...settings }, 1)
    expect(told.ok ? told.headers.map(({ name, value }) => `${name}: ${value}`) : told.message).toEqual(expected)
  })

  it.each<[string, ReturnType<typeof principalOf>, Partial<ImpersonationSettings>]>([
    ['an empty name', person(''), {}],
    ['a blank name', person(' '), {}],
    ['a name with a space before it', person(' admin'), {}],
    ['a name with a space behind it', person('admin '), {}],
    ['a name with a comma', person('alice,root'), {}],
    ['a name with a line feed', person('alice\nx: y'), {}],
    ['a name beyond ASCII', person('zoë'), {}],
    ['an endless name', person('a'.repeat(2000)), {}],
    ['nobody', principalOf({ kind: 'anonymous' }), {}],
    ['two groups', person('alice', ['a', 'b']), {}],
    ['two listed groups', person('alice', ['a', 'b', 'c']), { groups: ['a', 'b'] }],
    ['a group with a comma', person('alice', ['a,b']), {}],
    ['an empty group', person('alice', ['']), {}],
    ['a uid with a line feed', person('alice', [], 'u\n'), { uid: true }],
    ['extra with two values', person('alice', [], '', { t: ['a', 'b'] }), { extra: ['t'] }],
    ['extra that is empty', person('alice', [], '', { t: [''] }), { extra: ['t'] }],
    ['a ServiceAccount in another group', person('system:serviceaccount:ns:bot', ['staff']), {}],
  ])('refuses %s', (_name, principal, settings) =>
    expect(impersonate(principal, { ...plain, ...settings }, 1).ok).toBe(false),
  )

  it('tells each of several groups in a header of its own, where the gateway can be told them', () => {
    const told = impersonate(person('alice', ['a', 'b', 'a', 'c']), plain, 3)
    expect(told.ok ? told.headers.map(({ name, value }) => `${name}: ${value}`) : told.message).toEqual([
      'impersonate-user: alice',
      'impersonate-group: a',
      'impersonate-group: b',
      'impersonate-group: c',
    ])
    expect(impersonate(person('alice', ['a', 'b', 'c', 'd']), plain, 3)).toEqual({
      ok: false,
      message: 'the caller is in 4 groups, and the gateway can tell the server behind at most 3',
    })
  })

  it('names a user, exactly, and nobody twice, whenever it names anybody', () => {
    const word = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('a', ' ', '', 'system:masters', 'é', ','))
    fc.assert(
      fc.property(word, fc.array(word, { maxLength: 3 }), word, (name, groups, uid) => {
        const told = impersonate(person(name, groups, uid), { ...plain, uid: true }, 1)
        if (!told.ok) return
        const names = told.headers.map(header => header.name)
        expect(new Set(names).size).toBe(names.length)
        expect(told.headers[0]).toEqual({ name: 'impersonate-user', value: name })
        for (const { value } of told.headers) expect(value).toMatch(/^[!-+\--~](?:[ -+\--~]*[!-+\--~])?$/)
      }),
    )
  })
})
