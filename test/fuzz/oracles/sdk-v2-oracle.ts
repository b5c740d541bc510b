import { createMcpHandler, Server } from '@modelcontextprotocol/server'
import type { Call } from '../../../src/protocol/call.js'
import type { HeaderList } from '../fuzz-input.js'
import { compareReading, type Dispatched } from './compare-reading.js'

/** Long enough for a slow machine; nothing that is compared takes it. */
const patienceMs = 5000
/** It answers with a stream that does not end. */
const endless = 'subscriptions/listen'

export interface SdkV2Oracle {
  /** What a server of the second SDK runs other than what we judged; undefined if it runs the same or refuses. */
  judge(headers: HeaderList, bytes: Uint8Array, calls: readonly Call[]): Promise<string | undefined>
  close(): Promise<void>
}

/** The whole request handler of the SDK, in this process: era, headers, body, dispatch. It serves both eras. */
export function createSdkV2Oracle(): SdkV2Oracle {
  let seen: Dispatched[] = []
  const capabilities = { tools: {}, prompts: {}, resources: { subscribe: true }, completions: {}, logging: {} }
  const handler = createMcpHandler(({ era }) => {
    const server = new Server({ name: 'oracle', version: '1' }, { capabilities })
    const record = (method: string, params: unknown) => seen.push({ method, params, era })
    server.setRequestHandler('tools/call', ({ method, params }) => {
      record(method, params)
      return { content: [] }
    })
    server.setRequestHandler('prompts/get', ({ method, params }) => {
      record(method, params)
      return { messages: [] }
    })
    server.setRequestHandler('resources/read', ({ method, params }) => {
      record(method, params)
      return { contents: [] }
    })
    server.fallbackRequestHandler = async ({ method, params }) => {
      record(method, params)
      return {}
    }
    server.fallbackNotificationHandler = async ({ method, params }) => {
      record(method, params)
    }
    return server
  })
  return {
    judge: async (headers, bytes, calls) => {
      const request = requestOf(headers, bytes)
      if (request === undefined || calls.some(({ method }) => method === endless)) return undefined
      seen = []
      const dispatched = seen
      await withPatience(handler.fetch(request).then(response => response.text()))
      // A notification is handled after it was answered.
      if (calls.some(({ kind }) => kind === 'notification')) await new Promise(resolve => setImmediate(resolve))
      return dispatched.length > calls.length
        ? `it runs ${dispatched.length} messages`
        : matchReadings(calls, dispatched)
    },
    close: () => handler.close(),
  }
}

/** Undefined for headers that the platform refuses to hold. */
function requestOf(headers: HeaderList, bytes: Uint8Array): Request | undefined {
  try {
    const sent = new Headers({ accept: 'application/json, text/event-stream' })
    for (const [name, value] of headers) sent.append(name, value)
    return new Request('http://localhost/mcp', { method: 'POST', headers: sent, body: Buffer.from(bytes) })
  } catch {
    return undefined
  }
}

async function withPatience(answer: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the SDK did not answer')), patienceMs)
  })
  await Promise.race([answer, patience]).finally(() => clearTimeout(timer))
}

/** Each message that runs must be one that we judged. Some may be refused, and those of a batch run in any order. */
function matchReadings(calls: readonly Call[], dispatched: readonly Dispatched[]): string | undefined {
  const left = new Set(calls)
  for (const one of dispatched) {
    const same = [...left].find(call => compareReading(call, one) === undefined)
    const [any] = left
    if (same === undefined) return any === undefined ? 'it runs a message twice' : compareReading(any, one)
    left.delete(same)
  }
  return undefined
}
