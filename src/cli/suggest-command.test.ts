import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeBlocks, readMarkdown } from '../../test/docs/markdown.js'
import { checkCommand } from './check-command.js'
import { type Command, UsageError } from './command.js'
import { documentedLog, documentedServers } from './suggest-command.fixture.js'
import { suggestCommand } from './suggest-command.js'

const folder = mkdtempSync(join(tmpdir(), 'mcp-authz-suggest-'))
const log = join(folder, 'decisions.ndjson')
const policies = join(folder, 'policies')
beforeAll(async () => {
  mkdirSync(policies)
  writeFileSync(join(policies, 'servers.yaml'), documentedServers)
  writeFileSync(log, await documentedLog())
})
afterAll(() => rmSync(folder, { recursive: true }))

async function cli(command: Command, ...args: string[]) {
  const out: string[] = []
  const err: string[] = []
  const signal = new AbortController().signal
  const io = { out: (text: string) => void out.push(text), err: (text: string) => void err.push(text), env: {}, signal }
  const code = await command.run(args, io).catch((error: unknown) => {
    err.push(error instanceof Error ? error.message : String(error))
    return error instanceof UsageError ? 'usage' : 'error'
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

const write = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

describe('suggest', () => {
  it.each<[string, () => string[], number | string, string]>([
    ['no log', () => [], 'usage', 'say which decision log'],
    ['an unknown form', () => [log, '--as', 'roels'], 'usage', '--as is grants or roles'],
    ['an unknown format', () => [log, '--format', 'xml'], 'usage', '--format is yaml or json'],
    ['--missing without policies', () => [log, '--missing'], 'usage', '--missing goes with --policies'],
    ['a log that is not there', () => [join(folder, 'none')], 'error', 'ENOENT'],
    ['a file that is no log', () => [write('no.log', 'hello\n{}\n')], 'error', 'there is no record of a decision'],
    ['an empty log', () => [write('empty.log', '\n\n')], 'error', 'there is no record of a decision'],
    [
      'a log of denials',
      () => [write('denied.log', readFileSync(log, 'utf8').replaceAll('"decision":"allow"', '"decision":"deny"'))],
      'error',
      'no call in the log says anything of permissions',
    ],
    ['policies that do not compile', () => [log, '--policies', write('bad.yaml', 'kind: [')], 3, 'bad.yaml:1'],
  ])('%s', async (_, args, expected, message) => {
    const { code, err } = await cli(suggestCommand, ...args())
    expect(err).toContain(message)
    expect(code).toBe(expected)
  })

  it('names broken lines and goes on', async () => {
    const broken = write('broken.log', `not json\n${readFileSync(log, 'utf8')}{"version":"x"}\n`)
    const { code, out, err } = await cli(suggestCommand, broken)
    expect(code).toBe(0)
    expect(err).toContain(`${broken}:1: `)
    expect(err).toContain('2 lines of the log could not be read')
    expect(out).toBe((await cli(suggestCommand, log)).out)
  })

  it('writes files that check finds nothing wrong with, and overwrites none', async () => {
    const into = join(folder, 'written')
    const { code, out } = await cli(suggestCommand, log, '--policies', policies, '-o', into)
    expect(code).toBe(0)
    expect(readdirSync(into).sort()).toEqual([
      'files-grants.yaml',
      'files-guardrails.yaml',
      'kubernetes-guardrails.yaml',
      'kubernetes-rbac.yaml',
    ])
    expect(out).toContain(`${join(into, 'files-grants.yaml')}: `)
    const checked = await cli(checkCommand, policies, into)
    expect(checked.out).not.toContain('error:')
    expect(checked.code).not.toBe(3)
    expect(checked.out.split('\n').filter(line => line.includes(into))).toEqual([])
    const again = await cli(suggestCommand, log, '--policies', policies, '-o', into)
    expect(again.code).toBe('error')
    expect(again.err).toContain('nothing is overwritten')
  })

  it('writes nothing where a file is in the way', async () => {
    const into = join(folder, 'half')
    mkdirSync(into)
    writeFileSync(join(into, 'files-guardrails.yaml'), 'mine')
    const { code } = await cli(suggestCommand, log, '-o', into)
    expect(code).toBe('error')
    expect(existsSync(join(into, 'files-grants.yaml'))).toBe(false)
    expect(readFileSync(join(into, 'files-guardrails.yaml'), 'utf8')).toBe('mine')
  })

  it('tells the same as JSON', async () => {
    const { code, out } = await cli(suggestCommand, log, '--policies', policies, '--format', 'json')
    expect(code).toBe(0)
    const told: unknown = JSON.parse(out)
    expect(told).toMatchObject({
      ...{ calls: 10, needNoPermission: 1, noRoom: 0, unused: ['Grant/auditors'] },
      documents: expect.arrayContaining([
        expect.objectContaining({
          server: 'files',
          kind: 'Grant',
          document: expect.objectContaining({ kind: 'Grant' }),
        }),
      ]),
    })
  })

  it.each(suggestCommand.help.split('Examples:\n')[1]?.split('\n') ?? [])(
    'the example of the help runs: %s',
    async line => {
      const names = new Map([
        ['decisions.ndjson', log],
        ['policies', policies],
        ['suggested', join(folder, 'example')],
      ])
      const args = line.trim().split(' ').slice(2)
      expect((await cli(suggestCommand, ...args.map(arg => names.get(arg) ?? arg))).code).toBe(0)
    },
  )

  it('names the groups that it is told to', async () => {
    const { out } = await cli(suggestCommand, log, '--policies', policies, '--group', 'contr*')
    expect(out).toMatch(/kind: Group\n\s+name: contractors/)
    expect(out).not.toContain('name: cara')
    expect(out).toContain('name: ann')
  })
})

describe('docs/suggest.md', () => {
  const blocks = codeBlocks(readMarkdown('docs/suggest.md'))
  const shown = blocks.filter(({ language }) => language === 'console').map(({ text }) => text)

  const names = new Map([
    ['decisions.ndjson', log],
    ['policies', policies],
    ['suggested', join(folder, 'suggested')],
  ])

  it.each(shown)('shows what comes: %s', async text => {
    const [command = ''] = text.split('\n')
    const args = command.split(' ').slice(3)
    const { out, err } = await cli(suggestCommand, ...args.map(arg => names.get(arg) ?? arg))
    const all = [out, err].filter(part => part !== '').join('\n')
    expect(`${command}\n${all.replaceAll(`${folder}/`, '')}\n`).toBe(text)
  })

  it('shows documents that are suggested', async () => {
    const { out } = await cli(suggestCommand, log, '--policies', policies)
    const yaml = blocks.filter(({ language }) => language === 'yaml')
    expect(yaml).toHaveLength(1)
    for (const { text } of yaml) expect(`${out}\n`).toContain(text)
  })

  it('shows something', () => expect(shown).toHaveLength(2))
})
