import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { getPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { packageRoot } from '../package-root.js'
import { startChild } from './child-process.js'
import { splitLines } from './output-tail.js'

const node = (script: string) => ({ name: 'program', command: process.execPath, args: ['-e', script] })
const forever = 'setInterval(() => {}, 1000);'

/** A zombie, which nobody has waited for yet, is not alive. */
function isAlive(pid: number): boolean {
  const state = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim()
  return state !== '' && !state.startsWith('Z')
}

async function waitUntil(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !condition(); i++) await sleep(50)
}

describe('startChild', () => {
  it('collects the output of both streams line by line', async () => {
    const seen: string[] = []
    const child = await startChild({
      ...node("console.log('one'); console.error('two'); process.stdout.write('three')"),
      onLine: line => seen.push(line),
    })
    expect(await child.exited).toEqual({ code: 0, signal: null })
    expect([...child.lines].sort()).toEqual(['one', 'three', 'two'])
    expect(seen).toEqual(child.lines)
  })

  it('keeps the end of a long output only', async () => {
    const child = await startChild(node('for (let i = 0; i < 2000; i++) console.log(i)'))
    await child.exited
    expect(child.lines).toHaveLength(500)
    expect(child.lines.at(-1)).toBe('1999')
  })

  it('lets it step back for others', async () => {
    const child = await startChild({ ...node(`console.log(require('os').getPriority()); ${forever}`), niceness: 3 })
    await child.waitUntilReady(() => child.lines.length > 0)
    expect(child.lines).toEqual([String(Math.min(19, getPriority() + 3))])
    const group = await readFile(`/proc/${child.pid}/autogroup`, 'utf8').catch(() => '')
    if (group !== '') expect(group).toMatch(/ nice 3$/m)
    await child.stop()
  })

  it('waits until it is ready', async () => {
    const child = await startChild(node(`setTimeout(() => console.log('ready'), 100); ${forever}`))
    await child.waitUntilReady(() => child.lines.includes('ready'))
    await child.stop()
  })

  it('says what a program printed that ended too early', async () => {
    const child = await startChild(node("console.error('no such file'); process.exit(3)"))
    await expect(child.waitUntilReady(() => false)).rejects.toThrow(
      /program ended before it was ready \(exit code 3\)\. Its last output:\nno such file/,
    )
  })

  it('says so when it takes too long', async () => {
    const child = await startChild(node(forever))
    await expect(child.waitUntilReady(() => Promise.reject(new Error('refused')), 100)).rejects.toThrow(
      'program was not ready after 100 ms. It printed nothing.',
    )
    await child.stop()
  })

  it('says which command does not exist', async () => {
    await expect(startChild({ name: 'program', command: 'no-such-command' })).rejects.toThrow(
      'program: cannot start no-such-command',
    )
  })

  it('stops, twice, and kills what ignores SIGTERM', async () => {
    const polite = await startChild(node(forever))
    expect((await polite.stop()).signal).toBe('SIGTERM')
    expect((await polite.stop()).signal).toBe('SIGTERM')
    const stubborn = await startChild(node(`process.on('SIGTERM', () => {}); console.log('up'); ${forever}`))
    await stubborn.waitUntilReady(() => stubborn.lines.includes('up'))
    expect((await stubborn.stop(100)).signal).toBe('SIGKILL')
  })

  it('ends what the program itself started', async () => {
    const child = await startChild(
      node(`const c = require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(forever)}]);
        console.log(c.pid); ${forever}`),
    )
    await child.waitUntilReady(() => child.lines.length > 0)
    const grandchild = Number(child.lines[0])
    expect(isAlive(grandchild)).toBe(true)
    await child.stop()
    await waitUntil(() => !isAlive(grandchild))
    expect(isAlive(grandchild)).toBe(false)
  })
})

describe('a process that ends without stopping its children', () => {
  const endings = [
    { how: 'process.exit', code: 'process.exit(4)', status: 4, signal: null },
    { how: 'an uncaught error', code: "setTimeout(() => { throw new Error('bug') })", status: 1, signal: null },
    { how: 'SIGINT', code: "process.kill(process.pid, 'SIGINT')", status: null, signal: 'SIGINT' },
    { how: 'SIGTERM', code: "process.kill(process.pid, 'SIGTERM')", status: null, signal: 'SIGTERM' },
  ]
  it.each(endings)('leaves none of them behind after $how', async ({ code, status, signal }) => {
    const script = `
      const { startChild } = await import('./src/demo/child-process.ts')
      const child = await startChild({ name: 'c', command: process.execPath, args: ['-e', ${JSON.stringify(forever)}] })
      console.log(child.pid)
      ${code}`
    const parent = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: packageRoot,
      encoding: 'utf8',
    })
    expect({ status: parent.status, signal: parent.signal }).toEqual({ status, signal })
    const pid = Number(parent.stdout.trim())
    expect(pid).toBeGreaterThan(0)
    await waitUntil(() => !isAlive(pid))
    expect(isAlive(pid)).toBe(false)
  })
})

describe('splitLines', () => {
  it('joins chunks, also within a character', () => {
    const lines: string[] = []
    const split = splitLines(line => lines.push(line))
    const bytes = Buffer.from('a\u00e9b\r\nsecond\n\nlast')
    for (const byte of bytes) split.write(Buffer.from([byte]))
    split.end()
    expect(lines).toEqual(['a\u00e9b', 'second', '', 'last'])
  })

  it('bounds a line that never ends', () => {
    const lines: string[] = []
    const split = splitLines(line => lines.push(line))
    for (let i = 0; i < 10; i++) split.write(Buffer.alloc(10_000, 'x'))
    split.end()
    expect(lines.map(line => line.length)).toEqual([16_384])
  })
})
