import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { startChild } from '../../src/demo/child-process.js'
import { packageRoot } from '../../src/package-root.js'
import { resultOf } from './support/answers.js'
import { eventually } from './support/eventually.js'
import { freshStand, scaled, stopAfterEach } from './support/fresh-stand.js'
import { watchHealth } from './support/watch-health.js'
import { connectionsOf, type Gateway, isRunning, startWorkersStand, sumOf, type WorkersStand } from './workers-stand.js'

const stops: (() => Promise<unknown>)[] = []
stopAfterEach()
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function started(spec: Readonly<Record<string, unknown>> = {}): Promise<WorkersStand> {
  const stand = await startWorkersStand(spec)
  stops.push(() => stand.stop())
  return stand
}

/** Asks over and over, one question at a time, what is allowed and what is not in turns. */
function load(gateway: Gateway) {
  let going = true
  const tally = { ids: [] as string[], errors: 0, wrong: 0 }
  const done = (async () => {
    for (let turn = 0; going; turn++) {
      const tool = turn % 2 === 0 ? 'read' : 'write'
      try {
        const { allowed, decisionId } = await gateway.ask(tool)
        if (allowed !== (tool === 'read')) tally.wrong++
        tally.ids.push(decisionId)
      } catch {
        tally.errors++
        await sleep(20)
      }
    }
  })()
  return {
    tally,
    async end() {
      going = false
      await done
      return tally
    },
  }
}

describe('two workers', () => {
  it('decide side by side: one log, one sum of metrics, one list of decisions; and a crash harms no others', async () => {
    const stand = await started()
    expect((await stat(stand.socket)).mode & 0o777).toBe(0o660)
    const [first = 0, ...others] = await stand.workers()
    expect(others).toHaveLength(1)
    const gateways = Array.from({ length: 6 }, (_, i) => stand.gateway(i < 3 ? undefined : `unix:${stand.socket}`))
    await eventually('both', async () => sumOf(await stand.metrics(), 'mcp_authz_workers', 'state="ready"') === 2)
    // Each with the fewest gets the next.
    const doomed = await connectionsOf(first, gateways)
    expect(doomed.size).toBe(3)

    const before = sumOf(await stand.metrics(), 'mcp_authz_decisions_total')
    const loads = gateways.map(gateway => ({ gateway, load: load(gateway) }))
    await sleep(700)
    process.kill(first, 'SIGKILL')
    await sleep(800)
    const atCrash = sumOf(await stand.metrics(), 'mcp_authz_decisions_total')
    const again = await eventually('the replacement', async () => {
      const text = await stand.metrics()
      return sumOf(text, 'mcp_authz_workers', 'state="ready"') === 2 && text
    })
    expect(sumOf(again, 'mcp_authz_worker_restarts_total')).toBe(1)
    // Connections that were cut off are made anew, and answered.
    const tallies = await Promise.all(
      loads.map(async ({ gateway, load }) => {
        const soFar = load.tally.ids.length
        await eventually('more answers', () => load.tally.ids.length > soFar + 5)
        return { gateway, ...(await load.end()) }
      }),
    )
    for (const { gateway, errors, wrong } of tallies) {
      expect(wrong).toBe(0)
      if (!doomed.has(gateway)) expect(errors).toBe(0)
    }
    expect(tallies.some(({ errors }) => errors > 0)).toBe(true)
    const total = sumOf(await stand.metrics(), 'mcp_authz_decisions_total')
    const answered = tallies.reduce((sum, { ids }) => sum + ids.length, 0)
    expect(total).toBeGreaterThanOrEqual(atCrash)
    // What the killed one had counted since it was last asked is gone with it.
    const unharmed = tallies.filter(({ gateway }) => !doomed.has(gateway)).reduce((sum, { ids }) => sum + ids.length, 0)
    expect(total).toBeGreaterThanOrEqual(before + unharmed)
    const unanswered = doomed.size + tallies.reduce((sum, { errors }) => sum + errors, 0)
    expect(total).toBeLessThanOrEqual(before + answered + unanswered)
    expect(stand.authz.logs.map(({ message }) => message).filter(one => one.includes('SIGKILL'))).toHaveLength(1)

    // New policies reach both.
    await stand.grant(['read', 'write'])
    await eventually('new policies on every connection', async () =>
      (await Promise.all(gateways.map(gateway => gateway.ask('write')))).every(({ allowed }) => allowed),
    )

    const last = await Promise.all(gateways.map(gateway => gateway.ask('read')))
    await Promise.all(last.map(({ decisionId }) => stand.authz.record(decisionId)))
    const recent = await (await fetch(`http://127.0.0.1:${stand.adminPort}/decisions?limit=1000&format=ndjson`)).text()
    for (const { decisionId } of last) expect(recent).toContain(decisionId)
    const denied = await fetch(`http://127.0.0.1:${stand.adminPort}/decisions?outcome=deny&limit=1`)
    expect(await denied.text()).toContain('"authorization.')

    stand.authz.signal('SIGTERM')
    expect(await stand.authz.child.exited).toEqual({ code: 0, signal: null })
    const written = await readFile(stand.log, 'utf8')
    for (const { gateway, ids } of tallies)
      if (!doomed.has(gateway)) expect(ids.filter(id => !written.includes(id))).toEqual([])
    expect(await stand.verify()).toMatch(/1 chain/)
    expect(stand.authz.logs.filter(({ level }) => level === 'error')).toHaveLength(1)
  })

  it('end together: health first, then what is in flight, then the primary with all records', async () => {
    const stand = await started({ shutdown: { delaySeconds: 1, drainSeconds: 30 } })
    const pids = await stand.workers()
    const watches = [watchHealth(stand.grpcPort), watchHealth(stand.grpcPort)]
    await eventually('SERVING', () => watches.every(({ told }) => told.at(-1) === 'SERVING'))
    const gateways = [stand.gateway(), stand.gateway()]
    await Promise.all(gateways.map(gateway => gateway.ask('read')))
    // To all of them, as a terminal does.
    process.kill(-stand.authz.child.pid, 'SIGINT')
    await eventually('NOT_SERVING', () => watches.every(({ told }) => told.at(-1) === 'NOT_SERVING'))
    const late = await Promise.all(gateways.map(gateway => gateway.ask('read')))
    const began = performance.now()
    expect(await stand.authz.child.exited).toEqual({ code: 0, signal: null })
    // Nothing waits for those who watch our health.
    expect(performance.now() - began).toBeLessThan(20_000)
    expect(pids.filter(isRunning)).toEqual([])
    for (const { decisionId, allowed } of late) {
      expect(allowed).toBe(true)
      expect(await readFile(stand.log, 'utf8')).toContain(decisionId)
    }
    expect(stand.authz.logs.filter(({ level }) => level === 'error')).toEqual([])
    for (const watch of watches) await watch.stop()
  })

  it('end when their primary is killed', async () => {
    const stand = await started()
    const pids = await stand.workers()
    const gateway = stand.gateway()
    await gateway.ask('read')
    process.kill(stand.authz.child.pid, 'SIGKILL')
    await eventually('the end of the workers', () => pids.every(pid => !isRunning(pid)))
    expect(stand.authz.logs.filter(({ message }) => message.startsWith('the primary is gone'))).toHaveLength(2)
    await expect(stand.gateway().ask('read', 500)).rejects.toThrow()
  })

  it('that cannot start stop the whole, in their own words', async () => {
    const settings = [
      'listeners.0.port=0',
      'http.port=0',
      'listeners.0.tls.cert=/nowhere.crt',
      'listeners.0.tls.key=/nowhere.key',
    ]
    const child = await startChild({
      name: 'mcp-authz',
      command: process.execPath,
      args: [
        join(packageRoot, 'dist/cli/main.js'),
        ...['serve', '--workers', '2', '--policies', join(packageRoot, 'policies/demo')],
        ...settings.flatMap(setting => ['--set', setting]),
      ],
    })
    stops.push(() => child.stop())
    expect(await child.exited).toEqual({ code: 1, signal: null })
    expect(child.lines.join('\n')).toMatch(/^mcp-authz serve: .*ENOENT.*nowhere\.crt/m)
  })
})

describe('two workers behind Envoy', () => {
  it('lose at most what one of them had in flight, and let nothing pass that they should not', async () => {
    const { stand, ask, passes } = await freshStand({ config: { workers: 2 } })
    const statuses = new Set<number>()
    let going = true
    const asking = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (going) {
          const answer = await ask(scaled(9))
          statuses.add(answer.status)
          if (answer.status === 200) expect(resultOf(answer).isError).toBe(true)
        }
      }),
    )
    await sleep(300)
    const [victim = 0] = (
      await readFile(`/proc/${stand.authz.child.pid}/task/${stand.authz.child.pid}/children`, 'utf8')
    )
      .trim()
      .split(' ')
      .map(Number)
    process.kill(victim, 'SIGKILL')
    await eventually('an answer after the crash', () => passes())
    await eventually('the replacement', () => stand.authz.logs.some(({ message }) => message.endsWith('is open again')))
    expect(await passes()).toBe(true)
    going = false
    await asking
    expect([...statuses].filter(status => status !== 200 && status !== 503)).toEqual([])
    expect(stand.cluster.writes()).toEqual([])
  })
})
