import { execFileSync, spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { run } from './run.js'

async function completion(...args: readonly string[]) {
  const out: string[] = []
  const err: string[] = []
  const io = {
    out: (text: string) => out.push(text),
    err: (text: string) => err.push(text),
    env: {},
    signal: new AbortController().signal,
  }
  return { code: await run(['completion', ...args], io), out: out.join('\n'), err: err.join('\n') }
}

describe('completion', () => {
  it.each([
    [['mcp-authz', 'ch'], ['check']],
    [
      ['mcp-authz', 'explain', '--to'],
      ['--token-file', '--tool'],
    ],
    [['mcp-authz', 'check', '--en'], ['--envoy']],
    [['mcp-authz', 'check', 'pol'], []],
  ])('in a real bash: %j', async (words, expected) => {
    const { out } = await completion('bash')
    const script = `${out}
COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _mcp_authz; printf '%s\\n' "\${COMPREPLY[@]}"`
    const said = execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8' })
    expect(
      said
        .split('\n')
        .filter(line => line !== '')
        .sort(),
    ).toEqual(expected)
  })

  it.each(['zsh', 'fish'])('names all commands in %s, and is read by it where it is there', async shell => {
    const { out } = await completion(shell)
    for (const name of ['serve', 'check', 'explain', 'completion']) expect(out).toContain(name)
    const checked = spawnSync(shell, ['-n', '/dev/stdin'], { input: out, encoding: 'utf8' })
    if (checked.error === undefined) expect(checked.stderr).toBe('')
  })

  it.each([[[]], [['csh']], [['bash', 'zsh']]])('refuses %j', async args => {
    expect(await completion(...args)).toMatchObject({ code: 1, err: expect.stringContaining('bash, zsh or fish') })
  })
})
