import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readFixable, writeFixed } from './fixable-file.js'

const text = 'apiVersion: mcp-authz.dev/v1alpha1\nkind: Server # kept\n'
let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-authz-fix-'))
  path = join(folder, 'a.yaml')
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('a file that may be changed', () => {
  it('is written anew with the mode that it had, and nothing is left beside it', () => {
    writeFileSync(path, text)
    chmodSync(path, 0o640)
    const file = readFixable(path)
    if (file === undefined) throw new Error('not read')
    writeFixed(file, 'new')
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(statSync(path).mode & 0o777).toBe(0o640)
    expect(readdirSync(folder)).toEqual(['a.yaml'])
  })

  it('is not written if it was changed meanwhile', () => {
    writeFileSync(path, text)
    const file = readFixable(path)
    if (file === undefined) throw new Error('not read')
    writeFileSync(path, `${text}# mine\n`)
    expect(() => writeFixed(file, 'new')).toThrow('changed meanwhile')
    expect(readFileSync(path, 'utf8')).toBe(`${text}# mine\n`)
    expect(readdirSync(folder)).toEqual(['a.yaml'])
  })

  it('keeps a byte order mark', () => {
    writeFileSync(path, `\uFEFF${text}`)
    expect(readFixable(path)?.text).toBe(`\uFEFF${text}`)
  })

  it.each<[string, () => void]>([
    [
      'a link, such as a mounted ConfigMap has',
      () => {
        writeFileSync(join(folder, 'real'), text)
        symlinkSync(join(folder, 'real'), path)
      },
    ],
    ['a ConfigMap', () => writeFileSync(path, 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n')],
    ['a List, which may hold some', () => writeFileSync(path, 'apiVersion: v1\nkind: List\nitems: []\n')],
    ['what is no text', () => writeFileSync(path, Buffer.from([0xff, 0xfe]))],
    ['nothing', () => undefined],
  ])('is not %s', (_name, write) => {
    write()
    expect(readFixable(path)).toBeUndefined()
  })
})
