import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'

interface Entry {
  payload: AdapterPayload
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/**
 * What an OpenID provider remembers (sessions, codes, grants), in memory, one store per provider: the store that comes
 * with oidc-provider is shared by all providers of a process and announces itself as unfit for production.
 */
export function createOidcMemoryAdapter(): AdapterFactory {
  const entries = new Map<string, Entry>()
  const live = (key: string): AdapterPayload | undefined => {
    const entry = entries.get(key)
    if (entry !== undefined && entry.expiresAt > Date.now()) return entry.payload
    entries.delete(key)
    return undefined
  }
  const findBy = (model: string, field: 'uid' | 'userCode', value: string): AdapterPayload | undefined => {
    for (const key of [...entries.keys()]) {
      if (!key.startsWith(`${model}:`)) continue
      const payload = live(key)
      if (payload?.[field] === value) return payload
    }
    return undefined
  }
  return (model): Adapter => ({
    async upsert(id, payload, expiresIn) {
      for (const key of [...entries.keys()]) live(key)
      const expiresAt = expiresIn === undefined ? Number.POSITIVE_INFINITY : Date.now() + expiresIn * 1_000
      entries.set(`${model}:${id}`, { payload, expiresAt })
    },
    find: async id => live(`${model}:${id}`),
    findByUid: async uid => findBy(model, 'uid', uid),
    findByUserCode: async userCode => findBy(model, 'userCode', userCode),
    async consume(id) {
      const payload = live(`${model}:${id}`)
      if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1_000)
    },
    async destroy(id) {
      entries.delete(`${model}:${id}`)
    },
    async revokeByGrantId(grantId) {
      for (const [key, { payload }] of entries) if (payload.grantId === grantId) entries.delete(key)
    },
  })
}
