import { describe, expect, it } from 'vitest'
import { loadConfig } from './load-config.js'

function load(spec: string) {
  const text = `apiVersion: mcp-authz.dev/v1alpha1\nkind: Config\nspec:\n${spec}`
  return loadConfig({ file: { path: '/etc/c/config.yaml', text } })
}

const doors = '  listeners: [{}, { door: ext-proc }]\n'

describe('the response door', () => {
  it('has a port of its own, and keys in their order', () => {
    const loaded = load(`${doors}  sessions: { keys: [{ file: new }, { file: /k/old }] }\n`)
    expect(loaded.ok && loaded.config.sessionKeys).toEqual(['/etc/c/new', '/k/old'])
    expect(loaded.ok && loaded.config.listeners).toMatchObject([
      { name: 'ext-authz', door: 'ext-authz', address: { port: 9001 } },
      { name: 'ext-proc-2', door: 'ext-proc', address: { port: 9003 } },
    ])
  })

  it('can do without keys', () => {
    const loaded = load(doors)
    expect(loaded.ok && loaded.config.sessionKeys).toEqual([])
  })

  it.each([
    ['no door', '  sessions: { keys: [{ file: a }] }\n', 'no listener sees session ids'],
    ['no key', `${doors}  sessions: { keys: [] }\n`, 'sessions.keys'],
    ['one key twice', `${doors}  sessions: { keys: [{ file: a }, { file: ./a }] }\n`, 'listed twice'],
  ])('is refused with %s', (_what, spec, message) => {
    const loaded = load(spec)
    expect(loaded.ok).toBe(false)
    expect(JSON.stringify(loaded.ok ? [] : loaded.findings)).toContain(message)
  })
})
