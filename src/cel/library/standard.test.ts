import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseSignature } from '../types/parse-signature.js'
import { standard } from './standard.js'

const rows = readFileSync(new URL('../testdata/kubernetes-functions.tsv', import.meta.url), 'utf8')
  .split('\n')
  .map(line => line.split('\t'))
  .filter(parts => parts.length === 3)
const kubernetes = new Map(rows.map(([, id = '', signature = '']) => [id, signature]))

describe('the standard library', () => {
  it.each(standard.functions.map(({ id, signature }) => [id, signature]))(
    'declares %s as Kubernetes does',
    (id, signature) => {
      expect(signature).toBe(kubernetes.get(id))
    },
  )

  it('has every overload of its functions, but for those of libraries', () => {
    const ours = new Set(standard.functions.map(({ id }) => id))
    const names = new Set(standard.functions.map(({ id, signature }) => parseSignature(id, signature).name))
    const missing = rows.filter(([name = '', id = '']) => names.has(name) && !ours.has(id)).map(([, id]) => id)
    expect(missing).toEqual(['cidr_to_string', 'ip_to_string'])
  })
})
