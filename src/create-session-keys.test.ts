import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createSessionKeys } from './create-session-keys.js'
import { type SessionKeys, tagSession, untagSession } from './protocol/session-tag.js'

const directory = mkdtempSync(join(tmpdir(), 'session-keys-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function file(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

/** As they are now. */
function readSessionKeys(files: readonly string[]): SessionKeys | undefined {
  const made = createSessionKeys(files)
  made?.close()
  return made?.keys
}

const binding = { server: 's', issuer: 'i', subject: 'alice', agent: undefined }
const secret = 'a'.repeat(43)

describe('keys in files', () => {
  it('are the same under another name, and with a line end behind it', () => {
    const one = readSessionKeys([file('one', secret)])
    const other = readSessionKeys([file('other', 'b'.repeat(32)), file('renamed', `${secret}\r\n`)])
    if (one === undefined || other === undefined) throw new Error('no keys')
    const tagged = tagSession('id', binding, one)
    if (!tagged.ok) throw new Error(tagged.problem)
    expect(untagSession(tagged.value, binding, other)).toEqual({ ok: true, id: 'id' })
  })

  it.each([
    ['a short key', () => [file('short', `${'a'.repeat(31)}\n`)], 'less than 32 bytes'],
    ['a missing file', () => [join(directory, 'missing')], 'ENOENT'],
    ['no key at all', () => [file('empty', ''), file('blank', '\n')], 'none of the files'],
    ['one key twice', () => [file('first', secret), file('second', `${secret}\n`)], 'two session keys'],
  ])('are refused: %s', (_what, files, message) => {
    expect(() => readSessionKeys(files())).toThrow(message)
  })
})

function tagOf(keys: SessionKeys): string {
  const tagged = tagSession('id', binding, keys)
  if (!tagged.ok) throw new Error(tagged.problem)
  return tagged.value
}

const opens = (keys: SessionKeys, tag: string) => untagSession(tag, binding, keys).ok

/** Files in a directory of their own, and all that is told about them. */
function follow(contents: Readonly<Record<string, string>>) {
  const place = mkdtempSync(join(directory, 'followed-'))
  const write = (changed: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(changed)) writeFileSync(join(place, name), text)
  }
  write(contents)
  const told: string[] = []
  const files = createSessionKeys(
    Object.keys(contents).map(name => join(place, name)),
    { onReloaded: ids => told.push(`${ids.length} keys`), onError: message => told.push(message) },
  )
  if (files === undefined) throw new Error('no keys')
  files.close()
  return { place, write, told, ...files }
}

const [a, b] = ['a'.repeat(43), 'b'.repeat(43)]

describe('keys that follow their files', () => {
  it('are rotated without ending a session', () => {
    const { keys, write, reload, told } = follow({ first: a, second: '' })
    const old = tagOf(keys)
    write({ second: b })
    expect([reload(), reload(), reload()]).toEqual([false, true, false])
    expect(tagOf(keys)).toBe(old)
    write({ first: b, second: a })
    reload()
    expect(reload()).toBe(true)
    const fresh = tagOf(keys)
    expect(fresh).not.toBe(old)
    expect([opens(keys, old), opens(keys, fresh)]).toEqual([true, true])
    write({ second: '\n' })
    reload()
    expect(reload()).toBe(true)
    expect([opens(keys, old), opens(keys, fresh)]).toEqual([false, true])
    expect(told).toEqual(['2 keys', '2 keys', '1 keys'])
  })

  it('open at every step what a replica that is a step behind tags, and the other way round', () => {
    const steps = [
      { first: a, second: '' },
      { first: a, second: b },
      { first: b, second: a },
      { first: b, second: '' },
    ]
    for (const [index, after] of steps.entries()) {
      const before = steps[index - 1]
      if (before === undefined) continue
      const [slow, fast] = [follow(before).keys, follow(after).keys]
      expect(opens(fast, tagOf(slow))).toBe(true)
      expect(opens(slow, tagOf(fast))).toBe(true)
    }
  })

  it.each<[string, Readonly<Record<string, string>>, string]>([
    ['is too short', { first: 'short' }, 'less than 32 bytes'],
    ['holds no key', { first: '' }, 'none of the files'],
  ])('stay as they are when a file %s, and say so once', (_what, bad, problem) => {
    const { keys, write, reload, told } = follow({ first: a })
    const old = tagOf(keys)
    write(bad)
    for (let times = 0; times < 3; times++) expect(reload()).toBe(false)
    expect(told).toEqual([expect.stringMatching(`last good ones stay: .*${problem}`)])
    expect(tagOf(keys)).toBe(old)
    write({ first: b })
    reload()
    expect(reload()).toBe(true)
    expect(opens(keys, old)).toBe(false)
  })

  it('stay as they are when a file is gone or a key is there twice', () => {
    const { keys, place, write, reload, told } = follow({ first: a, second: b })
    const old = tagOf(keys)
    rmSync(join(place, 'second'))
    expect([reload(), reload()]).toEqual([false, false])
    write({ second: a })
    expect([reload(), reload(), reload()]).toEqual([false, false, false])
    expect(told).toEqual([expect.stringContaining('ENOENT'), expect.stringContaining('two session keys')])
    expect(tagOf(keys)).toBe(old)
  })

  it('do not take a file that is just being written', () => {
    const { keys, write, reload, told } = follow({ first: a })
    const old = tagOf(keys)
    write({ first: b.slice(0, 40) })
    expect(reload()).toBe(false)
    write({ first: b })
    expect(reload()).toBe(false)
    expect(tagOf(keys)).toBe(old)
    expect(reload()).toBe(true)
    expect(told).toEqual(['1 keys'])
  })

  it('follow the symlinks of a mounted Secret, by themselves', async () => {
    const mount = mkdtempSync(join(directory, 'mount-'))
    const version = (name: string, key: string) => {
      mkdirSync(join(mount, name))
      writeFileSync(join(mount, name, 'key'), key)
      symlinkSync(name, join(mount, '..data_tmp'))
      renameSync(join(mount, '..data_tmp'), join(mount, '..data'))
    }
    version('..1', a)
    symlinkSync('..data/key', join(mount, 'key'))
    const reloaded = new Promise<void>(resolve => {
      const files = createSessionKeys([join(mount, 'key')], {
        reloadIntervalMs: 5,
        onReloaded: () => {
          files?.close()
          resolve()
        },
      })
    })
    version('..2', b)
    await reloaded
  })

  it('are none without files', () => expect(createSessionKeys([])).toBeUndefined())
})
