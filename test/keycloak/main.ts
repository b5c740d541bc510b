import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startVitest } from 'vitest/node'
import { packageRoot } from '../../src/package-root.js'
import { KeycloakUnavailable, prepareKeycloak } from './prepare-keycloak.js'
import { realm } from './realm.js'
import { addRealm, startKeycloak } from './start-keycloak.js'

declare module 'vitest' {
  interface ProvidedContext {
    keycloakIssuer: string
    recordShapes: boolean
  }
}

const help = `Usage: npm run test:keycloak -- [--record]

Logs in at a real Keycloak (Java and Maven needed; 174 MB are fetched once) and calls tools through a real Envoy.

  --record   write the shapes of Keycloak's tokens to shapes.json, which the unit tests read

Status 1: a test failed. Status 2: nothing was tested.
`

const { values } = parseArgs({
  options: { record: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
})
const recordShapes = values.record

/**
 * Runs keycloak.spec.ts against a real Keycloak. Status 1: a test failed. Status 2: nothing was tested, because there is
 * no Java, no Maven, or no way to Maven Central.
 */
async function main(): Promise<number> {
  const say = (text: string): void => console.log(text)
  let home: string
  try {
    home = await prepareKeycloak(say)
  } catch (error) {
    if (!(error instanceof KeycloakUnavailable)) throw error
    process.stderr.write(`Nothing was tested: there is no Keycloak to test with: ${error.message}\n`)
    return 2
  }
  const started = performance.now()
  const keycloak = await startKeycloak(home)
  try {
    const issuer = await addRealm(keycloak, realm)
    say(`Keycloak is ready after ${Math.round((performance.now() - started) / 1000)} s`)
    return await test(issuer)
  } finally {
    await keycloak.stop()
  }
}

async function test(keycloakIssuer: string): Promise<number> {
  const include = [join(import.meta.dirname, '*.spec.ts')]
  const limits = { testTimeout: 60_000, hookTimeout: 180_000 }
  const options = { root: packageRoot, config: false as const, watch: false, include, ...limits }
  const vitest = await startVitest('test', [], { ...options, provide: { keycloakIssuer, recordShapes } })
  const modules = vitest.state.getTestModules()
  const states = modules.flatMap(module => [...module.children.allTests()].map(one => one.result().state))
  const count = (state: (typeof states)[number]): number => states.filter(one => one === state).length
  console.log(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped') + count('pending')} skipped`)
  const broken = modules.some(module => module.state() === 'failed') || vitest.state.getUnhandledErrors().length > 0
  await vitest.close()
  return broken || states.length === 0 || count('passed') !== states.length ? 1 : 0
}

if (values.help) console.log(help)
else process.exitCode = await main()
