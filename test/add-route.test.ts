import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { addRoute } from '../src/demo/add-route.js'
import { checkEnvoy } from '../src/gateway-check/check-envoy.js'
import { packageRoot } from '../src/package-root.js'

const example = readFileSync(join(packageRoot, 'envoy/ext-authz.yaml'), 'utf8')

it('adds a server that is checked like the first one', () => {
  const config = addRoute(example, { path: '/ledger', server: 'ledger', port: 18082 })
  expect(parse(config).static_resources.clusters.map(({ name }: { name: string }) => name)).toContain('ledger')
  const [before, after] = [example, config].map(text => checkEnvoy([{ file: 'envoy.yaml', text }], {}).findings)
  expect(after?.map(({ message }) => message)).toEqual(before?.map(({ message }) => message))
})

it('throws where there is no place', () => {
  expect(() => addRoute('a: b', { path: '/', server: 's', port: 1 })).toThrow('no list of routes')
})
