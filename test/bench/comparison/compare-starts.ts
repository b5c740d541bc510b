import { extAuthzService } from '../../../src/doors/ext-authz/ext-authz-door.js'
import { Http2Connection } from '../http2-connection.js'
import { closedLoop } from '../load.js'
import { median } from '../statistics.js'
import { MeasuredServer } from './measured-server.js'
import type { Start } from './servers.js'
import { ratioOf, type StableRatio } from './stable-ratio.js'

export interface StartTimes {
  readonly name: string
  /** From the start of the process; medians of the rounds. */
  readonly readyMs: number
  readonly firstDecisionMs: number
  /** From a new connection to the answer, once the server said that it is ready. */
  readonly firstCheckMs: number
  /** Beside the first one's, of the same round. */
  readonly firstDecisionRatio: StableRatio
  readonly firstCheckRatio: StableRatio
}

/** Of one start, in milliseconds. */
export interface Times {
  readonly readyMs: number
  readonly firstDecisionMs: number
  readonly firstCheckMs: number
}

/** How long servers take until they decide for the first time, each started anew in each round. */
export async function compareStarts(
  starts: readonly Start[],
  message: Buffer,
  { pinned, rounds }: { readonly pinned: boolean; readonly rounds: number },
): Promise<readonly StartTimes[]> {
  const samples = starts.map((): Times[] => [])
  // The first start of each reads its files from the disk.
  for (let round = 0; round <= rounds; round++)
    for (const [at, start] of starts.entries()) {
      const times = await measureStart(start, message, pinned)
      if (round > 0) samples[at]?.push(times)
    }
  return starts.map(({ name }, at) => {
    const own = samples[at] ?? []
    const beside = (of: (times: Times) => number) =>
      ratioOf(own.map((times, round) => of(times) / of(samples[0]?.[round] ?? none)))
    return {
      name,
      readyMs: median(own.map(one => one.readyMs)),
      firstDecisionMs: median(own.map(one => one.firstDecisionMs)),
      firstCheckMs: median(own.map(one => one.firstCheckMs)),
      firstDecisionRatio: beside(one => one.firstDecisionMs),
      firstCheckRatio: beside(one => one.firstCheckMs),
    }
  })
}

const none: Times = { readyMs: Number.NaN, firstDecisionMs: Number.NaN, firstCheckMs: Number.NaN }

export async function measureStart(start: Start, message: Buffer, pinned: boolean): Promise<Times> {
  const begun = performance.now()
  const server = await MeasuredServer.start({ ...start, pinned })
  const connected = performance.now()
  try {
    const connection = await Http2Connection.open(server.port, `/${extAuthzService}/Check`)
    const { wrong } = await closedLoop([connection], 1, { next: () => message, expectedCode: 0 }, { requests: 1 })
    const answered = performance.now()
    connection.close()
    if (wrong > 0) throw new Error(`${start.name}: the first answer was not an allow`)
    return { readyMs: server.readyMs, firstDecisionMs: answered - begun, firstCheckMs: answered - connected }
  } finally {
    await server.stop()
  }
}
