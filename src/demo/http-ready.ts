/** A readiness probe for `Child.waitUntilReady`: true once `url` answers with a 2xx status. One try takes at most 1 s. */
export function httpReady(url: string): () => Promise<boolean> {
  return async () => {
    const response = await fetch(url, { signal: AbortSignal.timeout(1_000) })
    await response.body?.cancel()
    return response.ok
  }
}
