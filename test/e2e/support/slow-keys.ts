import { startLoopbackServer } from '../../../src/demo/loopback-server.js'

export interface SlowKeys {
  readonly url: string
  /** Requests that have no answer yet. */
  waiting(): number
  /** Answers all that wait. */
  answer(keySet: string): void
  stop(): Promise<void>
}

/** Serves a key set, after as long as the test wants. */
export async function startSlowKeys(): Promise<SlowKeys> {
  const open = new Set<(keySet: string) => void>()
  const { url, stop } = await startLoopbackServer((_request, response) => {
    const finish = (keySet: string): void => void response.setHeader('content-type', 'application/json').end(keySet)
    open.add(finish)
    response.on('close', () => open.delete(finish))
  })
  return {
    ...{ url, stop },
    waiting: () => open.size,
    answer: keySet => {
      for (const finish of open) finish(keySet)
    },
  }
}
