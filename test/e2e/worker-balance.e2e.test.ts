import { readdir, readFile, readlink } from 'node:fs/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { freePorts } from '../../src/demo/free-port.js'
import { eventually } from './support/eventually.js'
import { type Gateway, startWorkersStand, sumOf, type WorkersStand } from './workers-stand.js'

/** Linux's name in /proc/net/tcp of a socket that listens; every other one with an owner is, or was, a connection. */
const listening = '0A'
const host = '127.0.0.1'
const transports = ['grpc-js', 'native'] as const
type Transport = (typeof transports)[number]

const stands: WorkersStand[] = []
afterAll(async () => {
  await Promise.all(stands.map(stand => stand.stop()))
})

interface Balanced {
  readonly stand: WorkersStand
  /** Connections of their own to the listener with this transport. */
  connect(transport: Transport, count: number): readonly Gateway[]
  /** Ports at the other end of the connections that each worker has, by process id. */
  placed(): Promise<ReadonlyMap<number, readonly string[]>>
  /** How many these are, fewest first. */
  connections(): Promise<readonly number[]>
  /** Waits until the workers have none, and whoever gives them connections knows it. */
  untilNone(): Promise<void>
}

/** One listener for each transport. */
async function start(workers: number, listener: object = {}): Promise<Balanced> {
  const [first = 0, second = 0] = await freePorts(2)
  const ports: Readonly<Record<Transport, number>> = { 'grpc-js': first, native: second }
  const listeners = transports.map(transport => ({
    ...{ name: transport, transport, host, port: ports[transport], ...listener },
  }))
  const stand = await startWorkersStand({ workers, listeners })
  stands.push(stand)
  await eventually('all workers', async () => sumOf(await stand.metrics(), 'mcp_authz_workers', '"ready"') === workers)
  const placed = async () => {
    const remotePorts = await connectedTo([first, second])
    const pids = await stand.workers()
    return new Map(await Promise.all(pids.map(async pid => [pid, await socketsOf(pid, remotePorts)] as const)))
  }
  const connections = async () => [...(await placed()).values()].map(({ length }) => length).sort((a, b) => a - b)
  return {
    stand,
    connections,
    async untilNone() {
      await eventually('the end of the connections', async () => (await connections()).every(open => open === 0))
      // Each worker answers the question for its metrics after it has told of the connections that it closed.
      await stand.metrics()
    },
    connect: (transport, count) => Array.from({ length: count }, () => stand.gateway(`${host}:${ports[transport]}`)),
    placed,
  }
}

/** Our side of the connections to these ports, until it is closed: the port at the other end, by inode. */
async function connectedTo(ports: readonly number[]): Promise<ReadonlyMap<string, string>> {
  const portOf = (address = '') => Number.parseInt(address.slice(address.indexOf(':') + 1), 16)
  const rows = (await readFile('/proc/net/tcp', 'utf8')).split('\n').slice(1)
  const fields = rows.map(row => row.trim().split(/\s+/))
  return new Map(
    fields.flatMap(([, local, remote, state, , , , , , inode = '']): [string, string][] =>
      state !== listening && ports.includes(portOf(local)) ? [[inode, String(portOf(remote))]] : [],
    ),
  )
}

async function socketsOf(pid: number, remotePorts: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const open = await readdir(`/proc/${pid}/fd`).catch(() => [])
  const targets = await Promise.all(open.map(fd => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')))
  return targets.flatMap(target => remotePorts.get(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '') ?? []).sort()
}

/**
 * Bytes that each worker has written: answers and records, which are alike here, and now and then its metrics. How often it
 * has written says less: threads of a process wake each other by writing, thousands of times where cores are scarce.
 */
async function written(pids: readonly number[]): Promise<readonly number[]> {
  return Promise.all(
    pids.map(async pid => Number(/^wchar: (\d+)$/m.exec(await readFile(`/proc/${pid}/io`, 'utf8'))?.[1])),
  )
}

/** Asks so many questions over each connection, one after the other. Returns the share of each worker, smallest first. */
async function shares(
  stand: WorkersStand,
  gateways: readonly Gateway[],
  questions: number,
): Promise<readonly number[]> {
  const pids = await stand.workers()
  const before = await written(pids)
  await Promise.all(
    gateways.map(async gateway => {
      for (let n = 0; n < questions; n++) expect(await gateway.ask('read')).toMatchObject({ allowed: true })
    }),
  )
  const bytes = (await written(pids)).map((count, index) => count - (before[index] ?? 0))
  const all = bytes.reduce((sum, count) => sum + count, 0)
  return bytes.map(count => count / all).sort((a, b) => a - b)
}

/** Decisions that are asked for in all, however many connections there are. */
const questions = 320

describe('connections of gateways spread over workers', () => {
  it.each([2, 4])(
    '%i workers have equal parts of them, and of the decisions',
    async workers => {
      const { stand, connect, connections, placed, untilNone } = await start(workers)
      for (const transport of transports)
        for (const count of [1, 2, 8]) {
          const gateways = connect(transport, count)
          await Promise.all(gateways.map(gateway => gateway.ask('read')))
          const each = Math.floor(count / workers)
          const expected = Array.from({ length: workers }, (_, n) =>
            count < workers ? Number(n >= workers - count) : each,
          )
          const before = await placed()
          expect(await connections(), `${count} with ${transport}`).toEqual(expected)
          const measured = await shares(stand, gateways, questions / count)
          if (process.env.FIGURES !== undefined)
            process.stdout.write(
              `${transport}, ${workers} workers, ${count} connections: ${measured.map(one => one.toFixed(3)).join(' ')}\n`,
            )
          // Each connection was asked as much as the others and is where it was: so are the decisions.
          expect(await placed(), `${count} with ${transport}`).toEqual(before)
          for (const [index, share] of measured.entries())
            expect(
              Math.abs(share - (expected[index] ?? 0) / count),
              `${count} with ${transport}: ${measured}`,
            ).toBeLessThan(0.2)
          for (const gateway of gateways) gateway.close()
          await untilNone()
        }
    },
    120_000,
  )

  it('a worker that was started again gets its part of them', async () => {
    const { stand, connect, connections, placed } = await start(2, { maxConnectionAgeSeconds: 10 })
    const gateways = transports.flatMap(transport => connect(transport, 8))
    const askAll = () => Promise.all(gateways.map(gateway => gateway.ask('read').catch(() => undefined)))
    await askAll()
    expect(await connections()).toEqual([8, 8])
    const pids = await stand.workers()
    process.kill(pids[0] ?? 0, 'SIGKILL')
    // Who was cut off comes at once, to the one that is there; it is the age of connections that brings some back.
    await eventually(
      'the part of the replacement',
      async () => {
        await askAll()
        const places = [...(await placed())]
        const isNew = places.some(([pid]) => !pids.includes(pid))
        const open = places.map(([, ports]) => ports.length)
        if (!isNew || Math.min(...open) < 6) throw new Error(`they have ${open}`)
        return true
      },
      60_000,
    )
    const [fewest = 0] = await shares(stand, gateways, 10)
    expect(fewest).toBeGreaterThan(0.2)
  }, 120_000)
})
