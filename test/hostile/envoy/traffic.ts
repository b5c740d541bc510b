import { setTimeout as sleep } from 'node:timers/promises'
import { corpusHeader, type Sighting } from '../servers/reading-server.js'
import { type CaseRun, send } from './case-run.js'
import type { CorpusStand, StandUpstream } from './corpus-stand.js'
import type { WireAnswer } from './wire-request.js'

/** Notifications are carried out after they were answered. */
const SETTLE_MS = 300

/** What reached the servers since the last time that it was forgotten. */
export interface Traffic {
  readonly arrivals: readonly Arrival[]
  readonly sightings: readonly { readonly server: string; readonly at: number; readonly sighting: Sighting }[]
}

export interface Arrival {
  readonly server: string
  /** Number of the request; -1 when it carried none. */
  readonly at: number
  readonly path: string
  readonly rawHeaders: readonly string[]
}

/** The header that leads a request to an upstream and numbers it. */
export function numbered({ name }: StandUpstream, at: number): readonly [string, string] {
  return [corpusHeader, `${name}.${at}`]
}

/** Sends a case; an error of the connection comes back as its words. */
export async function attempt(
  run: CaseRun,
  stand: CorpusStand,
  more: readonly (readonly [string, string])[],
): Promise<WireAnswer | string> {
  try {
    return await send(run, stand.ports[run.mode], more)
  } catch (error) {
    return String(error)
  }
}

export async function forgetTraffic({ upstreams }: CorpusStand): Promise<void> {
  for (const { proxy, reading } of upstreams) {
    proxy.forget()
    await reading?.forget()
  }
}

export async function trafficOf({ upstreams }: CorpusStand, settleMs = SETTLE_MS): Promise<Traffic> {
  await sleep(settleMs)
  const arrivals = upstreams.flatMap(({ name, proxy }) =>
    proxy.requests.map(({ headers, path, rawHeaders }) => ({
      server: name,
      at: numberIn(headers[corpusHeader]),
      path,
      rawHeaders,
    })),
  )
  const sightings = await Promise.all(
    upstreams.map(async ({ name, reading }) =>
      ((await reading?.sightings()) ?? []).map(sighting => ({
        ...{ server: name, at: numberIn(sighting.corpus), sighting },
      })),
    ),
  )
  return { arrivals, sightings: sightings.flat() }
}

function numberIn(header: string | readonly string[] | undefined): number {
  const [, digits] = /\.(\d+)$/.exec(String(header ?? '')) ?? []
  return digits === undefined ? -1 : Number(digits)
}

/** By number. */
export function grouped<T extends { readonly at: number }>(items: readonly T[]): ReadonlyMap<number, readonly T[]> {
  const groups = new Map<number, T[]>()
  for (const item of items) {
    const group = groups.get(item.at)
    if (group === undefined) groups.set(item.at, [item])
    else group.push(item)
  }
  return groups
}
