import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyUnit } from './any-unit.fixture.js'
import { readSessionId } from './mcp/session-id.js'
import { RequestHeaders } from './request-headers.js'
import {
  isVouchedFor,
  maxSessionIdLength,
  type SessionBinding,
  SessionKeys,
  tagSession,
  untagSession,
  vouchForSession,
} from './session-tag.js'

const secretOf = (fill: number) => new Uint8Array(32).fill(fill)
const keys = new SessionKeys([{ id: 'k1', secret: secretOf(1) }])
const jane: SessionBinding = {
  server: 'kubernetes',
  issuer: 'https://idp.example.com',
  subject: 'jane',
  agent: 'acme:sre',
}

function tagged(id: string, binding = jane, with_ = keys): string {
  const made = tagSession(id, binding, with_)
  if (!made.ok) throw new Error(`no tag for ${id}`)
  return made.value
}

describe('a session id that was tagged', () => {
  it.each([
    ['a UUID', '0d1f8e2c-6a35-4e4e-9a0b-0c6a1a0a3f11'],
    ['one character', '!'],
    ['a JWT', 'eyJhbGciOiJIUzI1NiJ9.eyJzIjoxfQ.abc-_'],
    ['tildes', '~~~'],
    ['what looks like a tag', `abc~k1~${'A'.repeat(32)}`],
    ['a comma, a quote, a backslash', 'a,"\\;='],
    ['a tag of ours', tagged('inner')],
    ['the longest that fits', 'x'.repeat(maxSessionIdLength - '~k1~'.length - 32)],
  ])('of %s comes back', (_name, id) => {
    const value = tagged(id)
    expect(untagSession(value, jane, keys)).toEqual({ ok: true, id })
    expect(readSessionId(RequestHeaders.from([['mcp-session-id', value]]), 'legacy')).toMatchObject({
      ok: true,
      id: value,
    })
  })

  it('stays the same in releases to come; computed independently', () => {
    expect(tagged('session-1')).toBe('session-1~k1~-Lv8RaXUTl-njKGfT9t9EAbzdSMXGXij')
  })

  it.each<[string, Partial<SessionBinding>]>([
    ['another server', { server: 'files' }],
    ['another issuer', { issuer: 'https://other.example.com' }],
    ['another subject', { subject: 'john' }],
    ['another agent', { agent: 'acme:chat' }],
    ['no agent', { agent: undefined }],
    ['an empty agent', { agent: '' }],
    ['no subject', { subject: undefined }],
    ['the same letters, cut elsewhere', { issuer: 'https://idp.example.comj', subject: 'ane' }],
    ['case', { subject: 'Jane' }],
    ['a composed form of the same text', { subject: 'jane\u0301' }],
  ])('is foreign to %s', (_name, other) => {
    expect(untagSession(tagged('s'), { ...jane, ...other }, keys)).toEqual({ ok: false, problem: 'foreign' })
  })

  it('tells half of one surrogate pair from half of another', () => {
    const value = tagged('s', { ...jane, subject: '\ud800' })
    expect(untagSession(value, { ...jane, subject: '\ud801' }, keys)).toEqual({ ok: false, problem: 'foreign' })
  })
})

describe('no session id', () => {
  it.each([
    ['empty', ''],
    ['a space', 'a b'],
    ['a line end', 'a\n'],
    ['beyond ASCII', 'é'],
    ['a control character', 'a\u007f'],
    ['too long', 'x'.repeat(maxSessionIdLength)],
    ['much too long', 'x'.repeat(1_000_000)],
  ])('of the server is tagged: %s', (_name, id) => {
    expect(tagSession(id, jane, keys)).toEqual({ ok: false, problem: 'malformed' })
  })

  const mac = tagged('s').slice(-32)
  it.each<[string, string, string]>([
    ['empty', '', 'malformed'],
    ['one without a tag', '0d1f8e2c-6a35-4e4e-9a0b-0c6a1a0a3f11', 'malformed'],
    ['a tag alone', `~k1~${mac}`, 'malformed'],
    ['a tag cut short', `s~k1~${mac.slice(1)}`, 'malformed'],
    ['a tag too long', `s~k1~${mac}A`, 'foreign or malformed'],
    ['padding', `s~k1~${mac}=`, 'malformed'],
    ['a line end behind it', `s~k1~${mac}\n`, 'malformed'],
    ['no key', `s~~${mac}`, 'malformed'],
    ['a key named too long', `s~${'k'.repeat(17)}~${mac}`, 'malformed'],
    ['another key', `s~k2~${mac}`, 'unknown_key'],
    ['a key of the prototype', `s~constructor~${mac}`, 'unknown_key'],
    ['another id', `t~k1~${mac}`, 'foreign'],
    ['no tag but as long', `s~k1~${'A'.repeat(32)}`, 'foreign'],
    ['much too long', `${'~'.repeat(1_000_000)}k1~${mac}`, 'malformed'],
  ])('of a client is taken: %s', (_name, value, problem) => {
    const read = untagSession(value, jane, keys)
    expect(read.ok).toBe(false)
    if (!read.ok) expect(problem).toContain(read.problem)
  })

  it('is taken with one character changed', () => {
    const value = tagged('session-1')
    const other = fc.stringMatching(/^[\x21-\x7e]$/)
    fc.assert(
      fc.property(fc.nat(value.length - 1), other, (at, character) => {
        fc.pre(value[at] !== character)
        expect(untagSession(value.slice(0, at) + character + value.slice(at + 1), jane, keys).ok).toBe(false)
      }),
    )
  })
})

const visible = fc.stringMatching(/^[\x21-\x7e]{1,60}$/)
const text = fc.string({ unit: anyUnit, maxLength: 12 })
const binding = fc.record<SessionBinding>({
  server: text,
  issuer: fc.option(text, { nil: undefined }),
  subject: fc.option(text, { nil: undefined }),
  agent: fc.option(text, { nil: undefined }),
})

it('opens for its binding and for no other, on every replica that has the key', () => {
  fc.assert(
    fc.property(
      visible,
      binding,
      binding,
      fc.uint8Array({ minLength: 32, maxLength: 64 }),
      (id, ours, theirs, secret) => {
        const here = new SessionKeys([{ id: 'a', secret }])
        const there = new SessionKeys([{ id: 'a', secret: Uint8Array.from(secret) }])
        const value = tagged(id, ours, here)
        expect(value).toMatch(/^[\x21-\x7e]+$/)
        expect(untagSession(value, { ...ours }, there)).toEqual({ ok: true, id })
        const same = (['server', 'issuer', 'subject', 'agent'] as const).every(field => ours[field] === theirs[field])
        expect(untagSession(value, theirs, there).ok).toBe(same)
      },
    ),
  )
})

it('never throws on what clients send', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: anyUnit }), fc.stringMatching(/^[!~a]*~k1~[A-Za-z_-]{30,33}$/)), value => {
      expect(untagSession(value, jane, keys).ok).toBe(false)
    }),
  )
})

describe('keys', () => {
  const [old, fresh] = [
    { id: 'old', secret: secretOf(1) },
    { id: 'new', secret: secretOf(2) },
  ]

  it('rotate without a session lost', () => {
    const [before, adding, signing, after] = [[old], [old, fresh], [fresh, old], [fresh]].map(
      all => new SessionKeys(all),
    )
    if (!before || !adding || !signing || !after) throw new Error('four steps')
    const early = tagged('s', jane, before)
    const late = tagged('s', jane, signing)
    expect([adding, signing].map(replica => untagSession(early, jane, replica).ok)).toEqual([true, true])
    expect([adding, signing, after].map(replica => untagSession(late, jane, replica).ok)).toEqual([true, true, true])
    expect(untagSession(early, jane, after)).toEqual({ ok: false, problem: 'unknown_key' })
    expect(untagSession(late, jane, before)).toEqual({ ok: false, problem: 'unknown_key' })
  })

  it('with the same id but another secret open nothing', () => {
    const other = new SessionKeys([{ id: 'k1', secret: secretOf(9) }])
    expect(untagSession(tagged('s'), jane, other)).toEqual({ ok: false, problem: 'foreign' })
  })

  it.each<[string, readonly { id: string; secret: Uint8Array }[], RegExp]>([
    ['none', [], /need a key/],
    ['a short secret', [{ id: 'a', secret: new Uint8Array(31) }], /32 bytes/],
    ['no id', [{ id: '', secret: secretOf(1) }], /1 to 16/],
    ['an id with a tilde', [{ id: 'a~b', secret: secretOf(1) }], /1 to 16/],
    ['two with one id', [old, { ...fresh, id: 'old' }], /two/],
  ])('stop the start: %s', (_name, bad, message) => {
    expect(() => new SessionKeys(bad)).toThrow(message)
  })
})

describe('a session id that was vouched for', () => {
  const voucher = vouchForSession('session-1', jane, keys)

  it('is known by whoever has the key', () => {
    expect(isVouchedFor('session-1', voucher, jane, keys)).toBe(true)
    const others = new SessionKeys([{ id: 'k2', secret: secretOf(2) }, keys.signing])
    expect(isVouchedFor('session-1', voucher, jane, others)).toBe(true)
  })

  it('stays the same in releases to come; computed independently', () => {
    expect(voucher).toBe('k1~DmvK0hap0nUxgRVYnwc1JmXrNyji9sdX')
  })

  it.each<[string, () => boolean]>([
    ['another id', () => isVouchedFor('session-2', voucher, jane, keys)],
    ['another caller', () => isVouchedFor('session-1', voucher, { ...jane, subject: 'john' }, keys)],
    ['another server', () => isVouchedFor('session-1', voucher, { ...jane, server: 'files' }, keys)],
    [
      'another secret under the same name',
      () => isVouchedFor('session-1', voucher, jane, new SessionKeys([{ id: 'k1', secret: secretOf(2) }])),
    ],
    [
      'an unknown key',
      () => isVouchedFor('session-1', voucher, jane, new SessionKeys([{ id: 'k2', secret: secretOf(1) }])),
    ],
    ['the tag that its client has', () => isVouchedFor('session-1', tagged('session-1').slice(10), jane, keys)],
    ['nothing', () => isVouchedFor('session-1', '', jane, keys)],
    ['a hash that is too short', () => isVouchedFor('session-1', 'k1~AAAA', jane, keys)],
    ['a hash with more behind it', () => isVouchedFor('session-1', `${voucher}A`, jane, keys)],
  ])('is not that of %s', (_name, answer) => {
    expect(answer()).toBe(false)
  })

  it('is no tag', () => {
    expect(untagSession(`session-1~${voucher}`, jane, keys)).toEqual({ ok: false, problem: 'foreign' })
  })
})

describe('keys that are replaced', () => {
  it('make and open tags from then on', () => {
    const changing = new SessionKeys([keys.signing])
    const old = tagged('s', jane, changing)
    const next = { id: 'k2', secret: secretOf(2) }
    changing.replace([next, keys.signing])
    expect(tagged('s', jane, changing)).not.toBe(old)
    expect(untagSession(old, jane, changing)).toEqual({ ok: true, id: 's' })
    changing.replace([next])
    expect(untagSession(old, jane, changing)).toEqual({ ok: false, problem: 'unknown_key' })
  })

  it('stay when the others are bad', () => {
    const changing = new SessionKeys([keys.signing])
    expect(() => changing.replace([])).toThrow('need a key')
    expect(() => changing.replace([keys.signing, keys.signing])).toThrow('two session keys')
    expect(untagSession(tagged('s'), jane, changing)).toEqual({ ok: true, id: 's' })
  })
})
