import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { packageRoot } from '../package-root.js'
import { adminPortOf, renderEnvoyConfig } from './envoy-config.js'

const ports = { listener: 18080, upstream: 18081, authz: 19001, admin: 19901 }
const template = `
# The admin interface.
admin: { address: { socket_address: { address: 127.0.0.1, port_value: 9901 } } }
static_resources:
  listeners:
  - address: { socket_address: { address: 0.0.0.0, port_value: 8080 } }
    timeout: 8080s
  clusters:
  - load_assignment: { endpoints: [{ address: { socket_address: { address: 127.0.0.1, port_value: 9001 } } }] }
  - load_assignment: { endpoints: [{ address: { socket_address: { address: 127.0.0.1, port_value: 8081 } } }] }
`

describe('renderEnvoyConfig', () => {
  it('changes ports, keeps to loopback, and leaves everything else', () => {
    const expected = parse(
      template
        .replace('9901', '19901')
        .replace('port_value: 8080', 'port_value: 18080')
        .replace('9001', '19001')
        .replace('8081', '18081')
        .replace('0.0.0.0', '127.0.0.1'),
    )
    const rendered = renderEnvoyConfig(template, ports)
    expect(parse(rendered)).toEqual(expected)
    expect(rendered).toContain('# The admin interface.')
    expect(adminPortOf(rendered)).toBe(19901)
  })

  it('knows the HTTP port only when it is given', () => {
    const withHttp = template
      .replace('0.0.0.0, port_value: 8080', '127.0.0.1, port_value: 9002')
      .replace('9901', '8080')
    expect(() => renderEnvoyConfig(withHttp, ports)).toThrow('uses port 9002')
  })

  it.each([
    ['a port of somebody else', template.replace('8081', '4317'), 'a port that nobody knows here: 4317'],
    ['a port that is missing', template.replace('9001', '8081'), 'no authz (port 9001 or 9003)'],
    ['a port that is text', template.replace('8081', '"8081"'), 'nobody knows'],
    ['what is not YAML', 'a: [', 'not YAML'],
  ])('refuses %s', (_what, text, message) => {
    expect(() => renderEnvoyConfig(text, ports)).toThrow(message)
  })

  const examples = join(packageRoot, 'envoy')
  const files = existsSync(examples) ? readdirSync(examples).filter(file => /^ext-authz.*\.yaml$/.test(file)) : []
  it.each(files)('understands the example %s', file => {
    const rendered = renderEnvoyConfig(readFileSync(join(examples, file), 'utf8'), {
      ...ports,
      http: 19002,
      answers: 19003,
    })
    expect(adminPortOf(rendered)).toBe(19901)
  })
})
