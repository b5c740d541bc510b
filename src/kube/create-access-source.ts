import type { AccessResult, AccessSource, ClusterAccess } from './cluster-access.js'

/**
 * @param anew the API server did not accept what was loaded last: take nothing from a cache
 * @param signal aborted when nobody wants it any more: processes and timers end with it
 */
export type LoadAccess = (anew: boolean, signal: AbortSignal) => Promise<LoadedAccess>

export type LoadedAccess =
  | {
      readonly ok: true
      readonly access: Omit<ClusterAccess, 'generation'>
      /** Milliseconds since the epoch; undefined: it does not say. */
      readonly expiresAt?: number | undefined
    }
  | { readonly ok: false; readonly message: string }

export interface AccessSourceOptions {
  readonly load: LoadAccess
  /** Milliseconds; the files are looked at no more often. Default 5000. */
  readonly checkMs?: number
  /** Milliseconds after which a request waits for the files to be looked at. Default 60,000. */
  readonly maxAgeMs?: number
  /** Called with the reason when what is known cannot be refreshed, and with "" when it can again. */
  onProblem?(message: string): void
}

/** A failure, or a renewal that brought nothing new, is not tried again sooner. Milliseconds. */
const retryMs = 1000
/** Credentials are renewed so long before they expire. Milliseconds. */
const leadMs = 10_000

/**
 * Keeps what `load` says. It is looked at again in the background while it is in use, and waited for after a minute without
 * use. What was good stays in use while it cannot be read again, as long as it has not expired: the API server is the judge
 * of it, not we.
 */
export function createAccessSource(options: AccessSourceOptions): AccessSource {
  const { load, checkMs = 5000, maxAgeMs = 60_000 } = options
  let known: { readonly access: ClusterAccess; readonly expiresAt: number } | undefined
  let failure = 'nothing was read yet'
  let problem = ''
  let lookedAt = Number.NEGATIVE_INFINITY
  let loading: Promise<AccessResult> | undefined
  let renewedAt = Number.NEGATIVE_INFINITY
  const ending = new AbortController()

  function result(): AccessResult {
    return known !== undefined && known.expiresAt > Date.now()
      ? { ok: true, access: known.access }
      : { ok: false, message: failure }
  }

  function report(message: string): void {
    if (message === problem) return
    problem = message
    options.onProblem?.(message)
  }

  async function look(anew: boolean): Promise<AccessResult> {
    let loaded: LoadedAccess
    try {
      loaded = await load(anew, ending.signal)
    } catch (error) {
      loaded = {
        ok: false,
        message: `the credentials cannot be read (${error instanceof Error ? error.name : 'error'})`,
      }
    }
    lookedAt = performance.now()
    if (ending.signal.aborted) return closed
    if (loaded.ok) {
      known = { access: next(loaded.access), expiresAt: loaded.expiresAt ?? Number.POSITIVE_INFINITY }
      failure = 'the credentials have expired and new ones are not there yet'
      report('')
    } else {
      failure = loaded.message
      report(loaded.message)
    }
    return result()
  }

  function next(loaded: Omit<ClusterAccess, 'generation'>): ClusterAccess {
    if (known === undefined) return { ...loaded, generation: 1 }
    const { generation, headers, ...connection } = known.access
    const { headers: newHeaders, ...newConnection } = loaded
    const sameConnection = JSON.stringify(connection) === JSON.stringify(newConnection)
    if (sameConnection && JSON.stringify(headers) === JSON.stringify(newHeaders)) return known.access
    return { ...loaded, generation: sameConnection ? generation : generation + 1 }
  }

  function lookOnce(anew: boolean): Promise<AccessResult> {
    loading ??= look(anew).finally(() => {
      loading = undefined
    })
    return loading
  }

  return {
    current() {
      if (ending.signal.aborted) return closed
      const age = performance.now() - lookedAt
      if (known === undefined || known.expiresAt <= Date.now()) return age < retryMs ? result() : lookOnce(false)
      if (age > maxAgeMs) return lookOnce(false)
      if (age > checkMs || (known.expiresAt - leadMs < Date.now() && age > retryMs)) void lookOnce(false)
      return { ok: true, access: known.access }
    },
    async renew(used) {
      await loading
      if (ending.signal.aborted) return closed
      if (known !== undefined && known.access !== used) return result()
      if (performance.now() - renewedAt < retryMs) return result()
      renewedAt = performance.now()
      return lookOnce(true)
    },
    close: () => ending.abort(),
  }
}

const closed: AccessResult = { ok: false, message: 'the client is closed' }
