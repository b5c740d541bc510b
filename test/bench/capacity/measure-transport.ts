import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { extAuthzService } from '../../../src/doors/ext-authz/ext-authz-door.js'
import { scaleRequest } from '../check-requests.js'
import { Http2Connection } from '../http2-connection.js'
import { closedLoop, openLoop, type Traffic } from '../load.js'
import { writePolicies } from '../policies.js'
import { serveArguments } from '../run-bench.js'
import { type Code, type ServerOptions, ServerProcess } from '../server-process.js'
import { median } from '../statistics.js'
import { createTokenIssuer } from '../tokens.js'
import { round3 } from './costs-of.js'
import { Reference } from './reference.js'

/** One way to run the program, with the benchmark's policies. */
export interface Variant {
  readonly name: string
  readonly flags?: readonly string[]
  readonly settings?: readonly string[]
}

export interface VariantCost {
  readonly name: string
  /** Microseconds of processor time per call, of the whole process; 64 calls at a time. */
  readonly busy: number
  /** The same at {@link quietRate} calls a second: less is done at once. */
  readonly quiet: number
  /** Mebibytes of the process after the load. */
  readonly rssMb: number
  /** Collections of garbage per 1000 calls: of young objects, and of all. */
  readonly minorPer1000: number
  readonly majorPer1000: number
}

export interface TransportOptions {
  readonly rounds: number
  readonly calls: number
}

/** Far below what one core can do, and enough for the system's clock of processor time. */
export const quietRate = 500
const quietCalls = 500
const connections = 4
const inFlight = 16

interface Running {
  readonly variant: Variant
  readonly server: ServerProcess
  readonly connections: readonly Http2Connection[]
  readonly collections: string
  readonly samples: { busy: number; quiet: number; rssMb: number }[]
  calls: number
}

/** One after the other; of the rounds of each the fastest counts (reference.ts). */
export async function measureVariants(
  code: Code,
  variants: readonly Variant[],
  { rounds, calls }: TransportOptions,
): Promise<readonly VariantCost[]> {
  const issuer = createTokenIssuer()
  const policies = writePolicies(issuer.jwks)
  const directory = mkdtempSync(join(tmpdir(), 'mcp-authz-collections-'))
  const reference = new Reference()
  try {
    const [token = ''] = issuer.mint(1)
    const message = scaleRequest(token, 3)
    const traffic: Traffic = { next: () => message, expectedCode: 0 }
    const costs: VariantCost[] = []
    for (const [at, variant] of variants.entries()) {
      const one = await start(code, variant, policies.directory, join(directory, String(at)))
      try {
        one.calls += (await closedLoop(one.connections, inFlight, traffic, { requests: 2 * calls })).requests
        for (let round = 0; round < rounds; round++) {
          reference.measure()
          one.samples.push(await sample(one, traffic, calls))
        }
        for (const connection of one.connections) connection.close()
      } finally {
        await one.server.stop()
      }
      costs.push(summarize(one, reference.slowness))
    }
    return costs
  } finally {
    policies.remove()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function start(code: Code, variant: Variant, directory: string, collections: string): Promise<Running> {
  const { name, flags = [], settings = [] } = variant
  const preload = ['--import', join(import.meta.dirname, 'report-collections.mjs')]
  process.env.COLLECTIONS_FILE = collections
  const args = serveArguments(code, directory, settings)
  const server = await startPatiently({ name, code, pinned: false, args, nodeArgs: [...flags, ...preload] })
  const open: Http2Connection[] = []
  for (let i = 0; i < connections; i++) open.push(await Http2Connection.open(server.port, `/${extAuthzService}/Check`))
  return { variant, server, connections: open, collections, samples: [], calls: 0 }
}

/** On a busy machine a start may take longer than a server under test is given. */
async function startPatiently(options: ServerOptions): Promise<ServerProcess> {
  for (let again = 0; again < 4; again++)
    try {
      return await ServerProcess.start(options)
    } catch {}
  return ServerProcess.start(options)
}

async function sample(one: Running, traffic: Traffic, calls: number): Promise<Running['samples'][number]> {
  const { server, connections: open } = one
  const before = await server.usage()
  const busy = await closedLoop(open, inFlight, traffic, { requests: calls })
  const between = await server.usage()
  const quiet = await openLoop(open, quietRate, traffic, { requests: quietCalls })
  const after = await server.usage()
  if (busy.wrong + quiet.wrong > 0) throw new Error(`${one.variant.name}: wrong answers`)
  one.calls += busy.requests + quiet.requests
  return {
    busy: (between.cpuMicros - before.cpuMicros) / busy.requests,
    quiet: (after.cpuMicros - between.cpuMicros) / quiet.requests,
    rssMb: between.rssBytes / 2 ** 20,
  }
}

function summarize({ variant, samples, collections, calls }: Running, slowness: number): VariantCost {
  const fastest = (key: 'busy' | 'quiet') => round3(Math.min(...samples.map(one => one[key])) / slowness)
  const { minor, major }: { minor: number; major: number } = JSON.parse(readFileSync(collections, 'utf8'))
  const per1000 = (count: number) => round3((1000 * count) / Math.max(1, calls))
  return {
    name: variant.name,
    busy: fastest('busy'),
    quiet: fastest('quiet'),
    rssMb: round3(median(samples.map(one => one.rssMb))),
    minorPer1000: per1000(minor),
    majorPer1000: per1000(major),
  }
}
