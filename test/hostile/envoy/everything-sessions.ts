import { rawPost } from '../../../src/demo/raw-post.js'
import { isJsonObject, type JsonValue } from '../../../src/protocol/json-value.js'
import { initialize } from '../../e2e/support/messages.js'
import type { CaseRun } from './case-run.js'
import { ourReading } from './compare-reading.js'
import type { CorpusStand, StandUpstream } from './corpus-stand.js'

const SESSION = 'mcp-session-id'

interface Taken {
  readonly headers: readonly (readonly [string, string])[]
  /** Gives the session back. */
  readonly release: () => void
}

/**
 * server-everything takes nothing but `initialize` without a session. Each session serves one request at a time, because
 * the requests of the corpus share their ids.
 */
export function createEverythingSessions({ everythingOrigin }: CorpusStand): {
  take(run: CaseRun, target: StandUpstream): Promise<Taken>
} {
  const free: string[] = []
  const open = async (): Promise<string> => {
    const { headers } = await rawPost({ url: `${everythingOrigin}/mcp`, body: initialize })
    const id = headers[SESSION]
    if (typeof id !== 'string') throw new Error('server-everything opened no session')
    return id
  }
  return {
    async take({ request }, target) {
      const none = { headers: [], release: () => {} }
      if (target.name !== 'everything' || request?.method !== 'POST') return none
      if (request.headers.some(([name]) => name.toLowerCase() === SESSION)) return none
      const [message] = ourReading(request.body ?? Buffer.alloc(0))
      if (message?.method === 'initialize' || isModern(message?.params)) return none
      const id = free.pop() ?? (await open())
      return { headers: [[SESSION, id]], release: () => void free.push(id) }
    },
  }
}

/** From 2026-07-28 on there are no sessions. */
function isModern(params: JsonValue | undefined): boolean {
  const about = isJsonObject(params) ? params.get('_meta') : undefined
  return isJsonObject(about) && about.has('io.modelcontextprotocol/protocolVersion')
}
