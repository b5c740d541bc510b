import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { renderEnvoyConfig } from '../../src/demo/envoy-config.js'
import { findEnvoy } from '../../src/demo/find-envoy.js'
import { freePorts } from '../../src/demo/free-port.js'
import { startEnvoy } from '../../src/demo/start-envoy.js'
import { formatFinding } from '../../src/documents/format-finding.js'
import { checkEnvoy } from '../../src/gateway-check/check-envoy.js'
import {
  type EnvoyMutation,
  envoyMutations,
  goodEnvoy,
  mutated,
} from '../../src/gateway-check/envoy-mutations.fixture.js'
import { extProcMutations, goodAlone, goodBeside } from '../../src/gateway-check/ext-proc-mutations.fixture.js'
import { packageRoot } from '../../src/package-root.js'
import { envoyHas, forThisEnvoy, needsEnvoy } from './support/needs-envoy.js'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'mcp-authz-gateway-check-'))
let envoy = ''
beforeAll(async () => {
  envoy = (await findEnvoy({ announce: () => {} })).path
})
afterAll(() => rmSync(folder, { recursive: true }))

/** undefined when Envoy would start with the configuration, else why not. */
async function refusal(name: string, text: string): Promise<string | undefined> {
  const file = join(folder, `${name}.yaml`)
  writeFileSync(file, text)
  const node = ['--service-node', 'test', '--service-cluster', 'test']
  try {
    await run(envoy, ['--mode', 'validate', '-c', file, '-l', 'error', '--disable-hot-restart', ...node])
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

describe('the configurations of the check of gateways', () => {
  it.each(Object.entries({ goodEnvoy, goodBeside, goodAlone }))(
    'begin with one that Envoy takes: %s',
    async (name, text) => {
      expect(await refusal(name, forThisEnvoy(text))).toBeUndefined()
    },
  )

  it.each([
    ['body_size_limit', true],
    ['all else', false],
  ])('are dangerous, and Envoy takes them all the same: %s', async (_what, ofLimit) => {
    if (ofLimit) needsEnvoy('1.40', 'body_size_limit')
    const surprises: string[] = []
    const isOfLimit = ({ name, code }: EnvoyMutation) =>
      code === 'envoy.body_size_limit' || name === 'a route without the limit of bodies'
    const mutations = [...envoyMutations, ...extProcMutations].filter(one => isOfLimit(one) === ofLimit)
    const queue = [...mutations.entries()]
    const work = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [index, mutation] = next
        const why = await refusal(`${index}-${ofLimit}`, forThisEnvoy(mutated(mutation)))
        const { envoyRefuses = false, envoySince } = mutation
        const refuses = envoyRefuses || (envoySince !== undefined && !envoyHas(envoySince))
        if ((why !== undefined) !== refuses) surprises.push(`${mutation.code}, ${mutation.name}: ${why ?? 'taken'}`)
      }
    }
    await Promise.all([work(), work()])
    expect(surprises).toEqual([])
    expect(mutations.length).toBeGreaterThan(ofLimit ? 4 : 100)
  })
})

describe('what a running Envoy shows of itself', () => {
  it('is checked like the file it started with', async () => {
    const [listener = 0, upstream = 0, authz = 0, admin = 0] = await freePorts(4)
    const template = readFileSync(join(packageRoot, 'envoy', 'ext-authz.yaml'), 'utf8')
    const config = renderEnvoyConfig(template, { listener, upstream, authz, admin })
    expect(checkEnvoy([{ file: 'envoy.yaml', text: config }]).findings.map(formatFinding)).toEqual([])
    const running = await startEnvoy({
      path: envoy,
      config: config.replace('pack_as_bytes: true', 'pack_as_bytes: no'),
    })
    try {
      const text = await (await fetch(`${running.adminUrl}/config_dump`)).text()
      const { findings, checkedManagers, routes } = checkEnvoy([{ file: 'dump.json', text }])
      // A dump leaves out what is false.
      const lacks = envoyHas('1.40') ? [] : [expect.stringContaining('[envoy.body_size_limit]')]
      expect(findings.map(formatFinding)).toEqual([...lacks, expect.stringContaining('pack_as_bytes is not set')])
      expect({ checkedManagers, routes }).toEqual({ checkedManagers: 1, routes: 2 })
    } finally {
      await running.stop()
    }
  })
})
