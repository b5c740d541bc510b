import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildGoProgram } from './build-go-program.js'

const directory = mkdtempSync(join(tmpdir(), 'build-go-'))
const source = join(directory, 'source')
const before = process.env.XDG_CACHE_HOME

/** Go's own cache may lie below XDG_CACHE_HOME: it stays where it is. */
const goCache = process.env.GOCACHE
const goThere = spawnSync('go', ['version']).status === 0

function write(main: string, version = '1.20'): void {
  rmSync(source, { recursive: true, force: true })
  execFileSync('mkdir', ['-p', source])
  writeFileSync(join(source, 'go.mod'), `module greeter\n\ngo ${version}\n`)
  writeFileSync(join(source, 'main.go'), main)
}
const greeting = (word: string) => `package main\n\nvar word = "${word}"\n\nfunc main() { print(word) }\n`

beforeAll(() => {
  if (goThere) process.env.GOCACHE = execFileSync('go', ['env', 'GOCACHE'], { encoding: 'utf8' }).trim()
  process.env.XDG_CACHE_HOME = join(directory, 'cache')
})
afterAll(() => {
  restore('XDG_CACHE_HOME', before)
  restore('GOCACHE', goCache)
  rmSync(directory, { recursive: true, force: true })
})

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}

const said: string[] = []
const build = (linkerFlags?: string) =>
  buildGoProgram({ name: 'greeter', source, say: line => said.push(line), ...(linkerFlags && { linkerFlags }) })
/** What it writes to standard error. */
async function greets(...args: Parameters<typeof build>): Promise<string> {
  const built = await build(...args)
  if (!built.built) throw new Error(built.message)
  return spawnSync(built.program, { encoding: 'utf8' }).stderr
}

describe.skipIf(!goThere)('buildGoProgram', () => {
  it('builds what is there, once, and anew when it or a flag has changed', async () => {
    write(greeting('hello'))
    expect(await greets()).toBe('hello')
    const lines = said.length
    expect(await greets()).toBe('hello')
    expect(said).toHaveLength(lines)
    expect(await greets('-X main.word=flagged')).toBe('flagged')
    write(greeting('goodbye'))
    expect(await greets()).toBe('goodbye')
    expect(said[0]).toContain('building greeter')
  })

  it('says what does not compile', async () => {
    write('package main\n\nfunc main() { nothing() }\n')
    expect(await build()).toMatchObject({ built: false, why: 'broken', message: expect.stringContaining('nothing') })
  })

  it('fetches no other Go', async () => {
    write(greeting('hello'), '1.9999')
    expect(await build()).toEqual({
      built: false,
      why: 'no-go',
      message: 'greeter: needs Go 1.9999 or newer (https://go.dev/dl)',
    })
  })
})
