import { Agent } from 'undici'
import { isJsonArray, isJsonObject, type JsonObject } from '../protocol/json-value.js'
import { defaultListLimits, type Endpoint, type ListLimits } from './endpoint.js'
import { type Exchange, exchange } from './exchange.js'
import type { Published, PublishedEntry } from './published.js'

export type ListedPublished =
  | { readonly ok: true; readonly published: Published }
  | { readonly ok: false; readonly message: string }

const modernVersion = '2026-07-28'
const legacyVersion = '2025-11-25'
const clientInfo = { name: 'mcp-authz', version: '1' }
/** We answer none of it, but some servers list tools only to clients that say so. */
const capabilities = {
  ...{ roots: {}, sampling: {}, elicitation: { form: {}, url: {} } },
  tasks: { requests: { elicitation: { create: {} }, sampling: { createMessage: {} } } },
}

/** Thrown and caught in this file only. */
class Unusable extends Error {}

/**
 * Asks a live MCP server for its tools and prompts: without a session first (2026-07-28), then, if it does not speak that,
 * with the handshake of the older revisions. Every page is read, within the limits. Never rejects.
 */
export async function listPublished(
  endpoint: Endpoint,
  limits: ListLimits = {},
  cancel?: AbortSignal,
): Promise<ListedPublished> {
  const { timeoutMs, answerBytes, totalBytes, pages, entries } = { ...defaultListLimits, ...limits }
  const ca = endpoint.certificateAuthority
  const dispatcher = new Agent({ connect: { timeout: timeoutMs, ...(ca !== undefined && { ca }) } })
  const deadline = AbortSignal.timeout(timeoutMs)
  const signal = cancel === undefined ? deadline : AbortSignal.any([deadline, cancel])
  try {
    const conversation = new Conversation({ endpoint, dispatcher, signal, answerBytes, budget: { bytes: totalBytes } })
    const opened = (await conversation.openModern()) ?? (await conversation.openLegacy())
    const offered = opened.get('capabilities')
    const offers = (what: string) => !isJsonObject(offered) || offered.has(what)
    const collect = (method: string, member: string) => conversation.collect(method, member, { pages, entries })
    const tools = offers('tools') ? await collect('tools/list', 'tools') : []
    const prompts = offers('prompts') ? await collect('prompts/list', 'prompts') : []
    await conversation.close()
    const { era } = conversation
    const info = serverInfoOf(opened)
    return { ok: true, published: { server: info.name, version: info.version, era, tools, prompts } }
  } catch (error) {
    if (error instanceof Unusable) return { ok: false, message: error.message }
    throw error
  } finally {
    dispatcher.destroy().catch(() => undefined)
  }
}

class Conversation {
  era: 'legacy' | 'modern' = 'modern'
  readonly #exchange: Exchange
  #headers: Readonly<Record<string, string>> = { 'mcp-protocol-version': modernVersion }
  #id = 0

  constructor(given: Exchange) {
    this.#exchange = given
  }

  /** undefined if the server does not speak it. */
  async openModern(): Promise<JsonObject | undefined> {
    const answer = await this.#ask('server/discover', {})
    const result = answer.response?.get('result')
    if (!isJsonObject(result)) return undefined
    // A server may tell about itself in the new way and still serve the old one only.
    const versions = result.get('supportedVersions')
    return isJsonArray(versions) && versions.includes(modernVersion) ? result : undefined
  }

  async openLegacy(): Promise<JsonObject> {
    this.era = 'legacy'
    this.#headers = {}
    const params = { protocolVersion: legacyVersion, capabilities, clientInfo }
    const { response, session } = await this.#ask('initialize', params)
    const result = resultOf('initialize', response)
    const version = result.get('protocolVersion')
    if (typeof version !== 'string' || !/^[0-9-]{10}$/.test(version)) throw new Unusable('it names no protocol version')
    if (session !== undefined && !/^[\x21-\x7e]{1,256}$/.test(session))
      throw new Unusable('its session id is malformed')
    const mcpSession = session === undefined ? {} : { 'mcp-session-id': session }
    this.#headers = { 'mcp-protocol-version': version, ...mcpSession }
    await exchange(this.#exchange, { jsonrpc: '2.0', method: 'notifications/initialized' }, this.#headers)
    return result
  }

  async collect(
    method: string,
    member: string,
    limits: { readonly pages: number; readonly entries: number },
  ): Promise<readonly PublishedEntry[]> {
    const found = new Map<string, PublishedEntry>()
    const cursors = new Set<string>()
    let cursor: string | undefined
    for (let page = 0; page < limits.pages; page++) {
      const { response } = await this.#ask(method, cursor === undefined ? {} : { cursor })
      if (page === 0 && errorCode(response) === -32601n) return []
      const result = resultOf(method, response)
      const items = result.get(member)
      if (!isJsonArray(items)) throw new Unusable(`its answer to ${method} has no list`)
      for (const definition of items) {
        const name = isJsonObject(definition) ? definition.get('name') : undefined
        if (!isJsonObject(definition) || typeof name !== 'string')
          throw new Unusable(`an entry in its answer to ${method} has no name`)
        if (found.has(name)) throw new Unusable(`two entries in its answers to ${method} have the same name`)
        found.set(name, { name, definition })
        if (found.size > limits.entries) throw new Unusable(`it lists more than ${limits.entries} entries in ${method}`)
      }
      const next = result.get('nextCursor')
      if (next === undefined || next === null || next === '') return [...found.values()]
      if (typeof next !== 'string' || next.length > 4096 || cursors.has(next))
        throw new Unusable(`the pages of its ${method} do not end`)
      cursors.add(next)
      cursor = next
    }
    throw new Unusable(`it has more than ${limits.pages} pages of ${method}`)
  }

  /** Ends the session, if there is one. A server that does not mind is none of our business. */
  async close(): Promise<void> {
    if (this.#headers['mcp-session-id'] === undefined) return
    const { endpoint, dispatcher, signal } = this.#exchange
    const headers = { ...endpoint.headers, ...this.#headers }
    const { origin, path } = splitUrl(endpoint.url)
    await dispatcher
      .request({ origin, path, method: 'DELETE', headers, signal })
      .then(answer => answer.body.dump())
      .catch(() => undefined)
  }

  async #ask(method: string, params: Readonly<Record<string, unknown>>) {
    const meta = {
      'io.modelcontextprotocol/protocolVersion': modernVersion,
      'io.modelcontextprotocol/clientCapabilities': capabilities,
      'io.modelcontextprotocol/clientInfo': clientInfo,
    }
    const modern = this.era === 'modern'
    const message = {
      ...{ jsonrpc: '2.0', id: ++this.#id, method },
      params: modern ? { ...params, _meta: meta } : params,
    }
    const answer = await exchange(this.#exchange, message, {
      ...this.#headers,
      ...(modern && { 'mcp-method': method }),
    })
    if (!answer.ok) throw new Unusable(answer.message)
    if (answer.status === 401 || answer.status === 403) {
      throw new Unusable(`it answered ${answer.status}; give a token that it accepts with --token-file`)
    }
    if (answer.response === undefined && !(modern && answer.status >= 400)) {
      throw new Unusable(`it answered ${method} with ${answer.status} and no JSON-RPC response`)
    }
    return answer
  }
}

function splitUrl(url: string): { readonly origin: string; readonly path: string } {
  const [, origin = '', path = ''] = /^(https?:\/\/[^/?#]+)([^#]*)/.exec(url) ?? []
  return { origin, path: path.startsWith('/') ? path : `/${path}` }
}

function errorCode(response: JsonObject | undefined): unknown {
  const error = response?.get('error')
  return isJsonObject(error) ? error.get('code') : undefined
}

function resultOf(method: string, response: JsonObject | undefined): JsonObject {
  const result = response?.get('result')
  if (isJsonObject(result)) return result
  const code = errorCode(response)
  throw new Unusable(
    typeof code === 'bigint' ? `it answered ${method} with the error ${code}` : `its answer to ${method} has no result`,
  )
}

function serverInfoOf(opened: JsonObject): { readonly name: string | undefined; readonly version: string | undefined } {
  const meta = opened.get('_meta')
  const info =
    opened.get('serverInfo') ?? (isJsonObject(meta) ? meta.get('io.modelcontextprotocol/serverInfo') : undefined)
  const text = (field: string) => {
    const value = isJsonObject(info) ? info.get(field) : undefined
    return typeof value === 'string' ? value : undefined
  }
  return { name: text('name'), version: text('version') }
}
