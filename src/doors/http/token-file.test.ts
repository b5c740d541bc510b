import { unlinkSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { gatewayToken, temporaryFolder } from './authzen/authzen.fixture.js'
import { openTokenFile } from './token-file.js'

const folders: ReturnType<typeof temporaryFolder>[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove()
})
const other = `${gatewayToken}-next`

function open(text: string) {
  const folder = temporaryFolder()
  folders.push(folder)
  const path = folder.write('token', text)
  const errors: string[] = []
  let now = 0
  const file = openTokenFile({ path, now: () => now, onError: message => errors.push(message), maxAgeMs: 1000 })
  return { file, path, errors, write: (next: string) => folder.write('token', next), later: () => (now += 1000) }
}

describe('openTokenFile', () => {
  it.each<[string, string, string, boolean]>([
    ['the token', gatewayToken, gatewayToken, true],
    ['the token, with a line end in the file', `${gatewayToken}\n`, gatewayToken, true],
    ['the second of two', `${other}\r\n\n${gatewayToken}\n`, gatewayToken, true],
    ['a beginning of it', gatewayToken, gatewayToken.slice(0, -1), false],
    ['more than it', gatewayToken, `${gatewayToken}x`, false],
    ['nothing', gatewayToken, '', false],
    ['in other case', gatewayToken, gatewayToken.toUpperCase(), false],
  ])('%s', (_name, text, token, expected) => {
    expect(open(text).file.accepts(token)).toBe(expected)
  })

  it.each([
    ['is empty', '\n'],
    ['holds a short token', 'secret\n'],
    ['holds a sentence', 'this is not a token but a sentence of words\n'],
    ['holds too many', Array.from({ length: 9 }, (_one, index) => `${gatewayToken}${index}`).join('\n')],
  ])('does not start with a file that %s', (_name, text) => {
    expect(() => open(text)).toThrow()
  })

  it('follows the file, and an old and a new token overlap', () => {
    const { file, write, later } = open(gatewayToken)
    write(`${gatewayToken}\n${other}`)
    expect(file.accepts(other)).toBe(false)
    later()
    expect([file.accepts(other), file.accepts(gatewayToken)]).toEqual([true, true])
    write(other)
    later()
    expect([file.accepts(other), file.accepts(gatewayToken)]).toEqual([true, false])
  })

  it('accepts nothing once the file is gone, says so once, and recovers', () => {
    const { file, path, write, later, errors } = open(gatewayToken)
    unlinkSync(path)
    later()
    expect(file.accepts(gatewayToken)).toBe(false)
    later()
    expect(file.accepts(gatewayToken)).toBe(false)
    expect(errors).toEqual([expect.stringContaining('no bearer token is accepted')])
    expect(errors.join()).not.toContain(gatewayToken)
    write(gatewayToken)
    later()
    expect(file.accepts(gatewayToken)).toBe(true)
  })
})
