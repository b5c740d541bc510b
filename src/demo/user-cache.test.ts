import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cachedDirectory, userCache } from './user-cache.js'

let cache: string
beforeEach(async () => {
  cache = join(await mkdtemp(join(tmpdir(), 'user-cache-')), 'not-there-yet')
})
afterEach(() => rm(join(cache, '..'), { recursive: true, force: true }))

const writing = (text: string) => (directory: string) => writeFile(join(directory, 'file'), text)
const read = (home: string) => readFile(join(home, 'file'), 'utf8')

describe('userCache', () => {
  it.each([
    ['where XDG_CACHE_HOME says', { XDG_CACHE_HOME: '/somewhere' }, '/somewhere/mcp-authz'],
    ['not where it says something relative', { XDG_CACHE_HOME: 'some/where' }, join(homedir(), '.cache/mcp-authz')],
    ['in .cache without it', {}, join(homedir(), '.cache/mcp-authz')],
  ])('is %s', (_name, env, expected) => {
    expect(userCache(env)).toBe(expected)
  })
})

describe('cachedDirectory', () => {
  it('is filled once', async () => {
    expect(await read(await cachedDirectory({ cache, name: 'a', fill: writing('first') }))).toBe('first')
    expect(await read(await cachedDirectory({ cache, name: 'a', fill: writing('second') }))).toBe('first')
    expect(await read(await cachedDirectory({ cache, name: 'b', fill: writing('second') }))).toBe('second')
  })

  it('leaves nothing behind that looks complete', async () => {
    const fill = async (directory: string) => {
      await writing('half')(directory)
      throw new Error('the line went dead')
    }
    await expect(cachedDirectory({ cache, name: 'a', fill })).rejects.toThrow('the line went dead')
    expect(await readdir(cache)).toEqual([])
  })

  it('replaces what is no good', async () => {
    await mkdir(join(cache, 'a'), { recursive: true })
    const isGood = (home: string) =>
      access(join(home, 'file')).then(
        () => true,
        () => false,
      )
    expect(await read(await cachedDirectory({ cache, name: 'a', fill: writing('good'), isGood }))).toBe('good')
  })

  it('is whole for all who want it at once', async () => {
    const all = ['1', '2', '3', '4'].map(text => cachedDirectory({ cache, name: 'a', fill: writing(text) }))
    const [first, ...others] = await Promise.all((await Promise.all(all)).map(read))
    expect(new Set(others)).toEqual(new Set([first]))
    expect(await readdir(cache)).toEqual(['a'])
  })
})
