import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readSessionKeys } from './create-session-keys.js'
import { tagSession, untagSession } from './protocol/session-tag.js'

const directory = mkdtempSync(join(tmpdir(), 'session-keys-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function file(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

const binding = { server: 's', issuer: 'i', subject: 'alice', agent: undefined }
const secret = 'a'.repeat(43)

describe('readSessionKeys', () => {
  it('has none without files', () => expect(readSessionKeys([])).toBeUndefined())

  it('has the same key under another name, and with a line end behind it', () => {
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
    ['one key twice', () => [file('first', secret), file('second', `${secret}\n`)], 'two session keys'],
  ])('refuses %s', (_what, files, message) => {
    expect(() => readSessionKeys(files())).toThrow(message)
  })
})
