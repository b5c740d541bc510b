import { afterEach } from 'vitest'
import { type RawAnswer, rawPost } from '../../../src/demo/raw-post.js'
import { resultOf } from './answers.js'
import { toolsCall } from './messages.js'
import { type Stand, type StandOptions, startStand } from './stand.js'

/** A stand that a test may break, with alice signed in. */
export interface FreshStand {
  readonly stand: Stand
  readonly alice: string
  /** One POST to the gateway. Default: a call that alice may make, with her token. */
  ask(body?: string, token?: string): Promise<RawAnswer>
  /** Whether that call reached the cluster and succeeded; a denied call has status 200 too. */
  passes(token?: string): Promise<boolean>
}

export const pods = (namespace: string): string => toolsCall('pods_list_in_namespace', { namespace })

/** Scales a deployment that has two replicas. */
export const scaled = (scale: number): string =>
  toolsCall('resources_scale', { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', namespace: 'team-a', scale })

const stops: (() => Promise<unknown>)[] = []

/** Has every part that a test starts stopped after it, the last one first. Call once per file. */
export function stopAfterEach(): void {
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })
}

/** Notes a part for `stopAfterEach`. */
export async function started<T extends { stop(): Promise<unknown> }>(starting: T | Promise<T>): Promise<T> {
  const part = await starting
  stops.push(() => part.stop())
  return part
}

export async function freshStand(options: StandOptions = {}): Promise<FreshStand> {
  const stand = await started(startStand({ upstream: 'kubernetes-stateless', ...options }))
  const alice = await stand.idp.login('alice')
  const ask: FreshStand['ask'] = (body = pods('team-a'), token = alice) => rawPost({ url: stand.url, token, body })
  return {
    ...{ stand, alice, ask },
    async passes(token = alice) {
      const answer = await ask(pods('team-a'), token)
      return answer.status === 200 && resultOf(answer).isError !== true
    },
  }
}
