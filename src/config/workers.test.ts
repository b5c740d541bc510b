import { describe, expect, it } from 'vitest'
import { loadConfig } from './load-config.js'

const text = (workers: string) =>
  `apiVersion: mcp-authz.dev/v1alpha1\nkind: Config\nspec: { listeners: [{ port: 1 }]${workers} }\n`
const load = (workers: string, environment: Record<string, string> = {}, flags: [string, string][] = []) => {
  const loaded = loadConfig({ file: { path: 'config.yaml', text: text(workers) }, environment, flags })
  return loaded.ok ? loaded.config.workers : loaded.findings.map(({ path, message }) => `${path} ${message}`)
}

describe('workers', () => {
  it.each<[string, number | 'auto', string, Record<string, string>, [string, string][]]>([
    ['left out', 1, '', {}, []],
    ['a number', 4, ', workers: 4', {}, []],
    ['auto', 'auto', ', workers: auto', {}, []],
    ['of the environment', 2, ', workers: 4', { MCP_AUTHZ_WORKERS: '2' }, []],
    ['of the environment, auto', 'auto', '', { MCP_AUTHZ_WORKERS: 'auto' }, []],
    ['of a flag', 3, ', workers: auto', { MCP_AUTHZ_WORKERS: '2' }, [['workers', '3']]],
  ])('%s', (_name, expected, file, environment, flags) => expect(load(file, environment, flags)).toBe(expected))

  it.each([
    ['0', 'must be at least 1'],
    ['65', 'must be at most 64'],
    ['1.5', 'must be'],
    ['many', 'must be a number or "auto"'],
    ['"4"', 'must be a number or "auto"'],
    ['null', 'must be'],
  ])('not %s', (workers, message) => expect(String(load(`, workers: ${workers}`))).toContain(`spec.workers ${message}`))
})
