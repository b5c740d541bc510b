import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readSigningKey } from './signing-key.js'
import { SigningKeys, type SigningKeysEvent } from './signing-keys.js'
import { pemKey } from './upstream.fixture.js'

let directory: string
let now: number
let events: SigningKeysEvent[]
let keys: SigningKeys
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mcp-authz-keys-'))
  now = 1_000_000
  events = []
})
afterEach(() => {
  keys.stop()
  rmSync(directory, { recursive: true })
})

const [first, second, third] = [pemKey('ES256'), pemKey('EdDSA'), pemKey('ES256')]
const kidOf = (pem: string): string => {
  const read = readSigningKey(pem)
  return read.ok ? read.key.kid : ''
}
const put = (name: string, pem: string) => writeFileSync(join(directory, name), pem)
const published = (): string[] => {
  const { keys: all }: { keys: { kid: string }[] } = JSON.parse(keys.jwks)
  return all.map(({ kid }) => kid)
}

function keysOf(...names: string[]): SigningKeys {
  keys = new SigningKeys({
    files: names.map((name, index) => ({ file: join(directory, name), optional: index > 0 })),
    lead: 600_000,
    now: () => now,
    onEvent: event => events.push(event),
  })
  return keys
}

describe('SigningKeys', () => {
  it('signs with the first and publishes all', async () => {
    put('a', first)
    put('b', second)
    await keysOf('a', 'b').start()
    expect(keys.current?.kid).toBe(kidOf(first))
    expect(published()).toEqual([kidOf(first), kidOf(second)])
    expect(keys.algorithms).toEqual(['ES256', 'EdDSA'])
  })

  it('publishes a new key before it signs', async () => {
    put('a', first)
    await keysOf('a', 'b').start()
    // What a rotation does: the old key moves to the second file, in one step.
    put('b', first)
    put('a', second)
    await keys.refresh()
    expect(published()).toEqual([kidOf(second), kidOf(first)])
    expect(keys.current?.kid).toBe(kidOf(first))
    now += 599_999
    expect(keys.current?.kid).toBe(kidOf(first))
    now += 1
    expect(keys.current?.kid).toBe(kidOf(second))
    rmSync(join(directory, 'b'))
    await keys.refresh()
    expect(published()).toEqual([kidOf(second)])
  })

  it('signs with new keys at once when all were exchanged, and keeps to the choice', async () => {
    put('a', first)
    await keysOf('a', 'b').start()
    put('a', second)
    await keys.refresh()
    expect(keys.current?.kid).toBe(kidOf(second))
    expect(published()).toEqual([kidOf(second)])
    put('b', second)
    put('a', third)
    await keys.refresh()
    expect(keys.current?.kid).toBe(kidOf(second))
  })

  it.each([
    ['broken', () => put('a', 'half of a k')],
    ['gone', () => rmSync(join(directory, 'a'))],
    ['huge', () => put('a', ' '.repeat(100_000))],
  ])('keeps the key of a file that is %s, and says so once', async (_name, spoil) => {
    put('a', first)
    await keysOf('a').start()
    events = []
    spoil()
    await keys.refresh()
    await keys.refresh()
    expect(keys.current?.kid).toBe(kidOf(first))
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ kind: 'key_failed' })
  })

  it.each([
    ['a missing file', () => undefined, 'does not exist'],
    ['a file of another kind', () => put('a', pemKey('RS256')), 'must be EC P-256 or Ed25519'],
  ])('does not start with %s', async (_name, prepare, message) => {
    prepare()
    put('b', second)
    await expect(keysOf('a', 'b').start()).rejects.toThrow(message)
  })

  it('has one entry for a key in two files', async () => {
    put('a', first)
    put('b', first)
    await keysOf('a', 'b').start()
    expect(published()).toEqual([kidOf(first)])
  })
})
