import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { packageRoot } from '../package-root.js'
import { withoutNewFilters } from './without-new-filters.js'

const folder = join(packageRoot, 'envoy')

describe('a configuration for an older Envoy', () => {
  it.each(readdirSync(folder).filter(name => name.endsWith('.yaml')))(
    '%s has no filter that it does not know',
    name => {
      const text = readFileSync(join(folder, name), 'utf8')
      expect(text).toContain('body_size_limit')
      const old = withoutNewFilters(text)
      expect(JSON.stringify(parse(old))).not.toContain('body_size_limit')
      expect(JSON.stringify(parse(old))).toContain('envoy.filters.http.router')
    },
  )

  it('keeps all else as it is', () => {
    const text = 'http_filters:\n  - name: envoy.filters.http.body_size_limit\n  - name: router # the last one\n'
    expect(withoutNewFilters(text)).toBe('http_filters:\n  - name: router # the last one\n')
    const two = 'a: 1\na: 2\n---\nb: 2\n'
    expect(withoutNewFilters(two)).toBe(two)
    const routes =
      'typed_per_filter_config:\n  envoy.filters.http.body_size_limit: { limit: 1 }\n  other: { limit: 1 }\n'
    expect(parse(withoutNewFilters(`route:\n  ${routes.replaceAll('\n', '\n  ')}`))).toEqual({
      route: { typed_per_filter_config: { other: { limit: 1 } } },
    })
  })
})
