import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDirectorySource } from './directory-source.js'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mcp-authz-source-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const namesOf = () =>
  createDirectorySource({ directory })
    .read()
    .files.map(file => file.name.slice(directory.length + 1))

describe('createDirectorySource', () => {
  it('reads .yaml and .yml below the directory, in a fixed order, and passes over dot names', () => {
    mkdirSync(join(directory, 'sub'))
    mkdirSync(join(directory, '.git'))
    for (const name of ['b.yml', 'a.yaml', 'c.txt', '.hidden.yaml', 'sub/d.yaml', '.git/e.yaml'])
      writeFileSync(join(directory, name), 'x: 1')
    expect(namesOf()).toEqual(['a.yaml', 'b.yml', 'sub/d.yaml'])
  })

  it('passes over tests of policies, and sees when they change', () => {
    const test = 'apiVersion: mcp-authz.dev/v1alpha1\nkind: PolicyTest\n'
    writeFileSync(join(directory, 'a.yaml'), 'x: 1')
    writeFileSync(join(directory, 'a_test.yaml'), test)
    writeFileSync(join(directory, 'load_test.yaml'), 'kind: Guardrail')
    const source = createDirectorySource({ directory })
    const before = source.fingerprint()
    expect(namesOf()).toEqual(['a.yaml', 'load_test.yaml'])
    writeFileSync(join(directory, 'a_test.yaml'), `${test}# changed`)
    expect(source.fingerprint()).not.toBe(before)
  })

  it('sees the swap of a mounted ConfigMap', () => {
    // As the kubelet lays it out: files are links into ..data, which is a link to a dated folder.
    const put = (version: string, text: string) => {
      mkdirSync(join(directory, `..${version}`))
      writeFileSync(join(directory, `..${version}`, 'a.yaml'), text)
      symlinkSync(`..${version}`, join(directory, '..data_tmp'))
      renameSync(join(directory, '..data_tmp'), join(directory, '..data'))
    }
    put('one', 'x: 1')
    symlinkSync('..data/a.yaml', join(directory, 'a.yaml'))
    const source = createDirectorySource({ directory })
    const before = source.fingerprint()
    expect(source.read().files.map(file => file.text)).toEqual(['x: 1'])
    expect(source.fingerprint()).toBe(before)
    put('two', 'x: 2')
    expect(source.fingerprint()).not.toBe(before)
    expect(source.read().files.map(file => file.text)).toEqual(['x: 2'])
  })

  it('reports a directory that is not there', () => {
    const source = createDirectorySource({ directory: join(directory, 'nope') })
    expect(source.read()).toMatchObject({
      files: [],
      findings: [{ severity: 'error', message: 'cannot be read: ENOENT' }],
    })
  })

  it('reports a file that is too large, and reads the others', () => {
    writeFileSync(join(directory, 'big.yaml'), ' '.repeat(1024 * 1024 + 1))
    writeFileSync(join(directory, 'a.yaml'), 'x: 1')
    const { files, findings } = createDirectorySource({ directory }).read()
    expect(files).toHaveLength(1)
    expect(findings).toMatchObject([{ severity: 'error', message: expect.stringContaining('larger than') }])
  })

  it('does not follow a link to itself for ever', () => {
    symlinkSync('.', join(directory, 'loop'))
    expect(createDirectorySource({ directory }).read().findings).toMatchObject([{ severity: 'error' }])
  })

  it('reports a link to nothing, and a link to itself, as files that cannot be read', () => {
    symlinkSync('nowhere', join(directory, 'gone.yaml'))
    symlinkSync('self.yaml', join(directory, 'self.yaml'))
    symlinkSync('nowhere', join(directory, 'notes.txt'))
    writeFileSync(join(directory, 'a.yaml'), 'x: 1')
    const { files, findings, lost } = createDirectorySource({ directory }).read()
    expect(files).toHaveLength(1)
    expect(findings).toMatchObject([
      { severity: 'error', location: { file: join(directory, 'gone.yaml') }, message: expect.stringContaining('link') },
      { severity: 'error', location: { file: join(directory, 'self.yaml') }, message: 'cannot be read: ELOOP' },
    ])
    expect(lost).toBeUndefined()
  })

  it('names a file that it cannot read as it names the documents in it', () => {
    const near = mkdtempSync(join(process.cwd(), '.tmp-source-'))
    try {
      const source = createDirectorySource({ directory: near })
      writeFileSync(join(near, 'a.yaml'), 'x: 1')
      const [file] = source.read().files
      expect(file?.name.startsWith('.tmp-source-')).toBe(true)
      writeFileSync(join(near, 'a.yaml'), ' '.repeat(1024 * 1024 + 1))
      expect(source.read().findings[0]?.location.file).toBe(file?.name)
    } finally {
      rmSync(near, { recursive: true })
    }
  })

  it('says so when it could not be looked through at all', () => {
    expect(createDirectorySource({ directory: join(directory, 'nope') }).read().lost).toBe(true)
  })
})
