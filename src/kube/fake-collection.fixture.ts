import type { JsonValue } from '../protocol/json-value.js'
import { parseStrictJson } from '../protocol/strict-json.js'
import type { ApiFailure, ApiRequest, ApiResponse, ApiServer, FollowRequest } from './api-server.js'

interface Stored {
  readonly name: string
  readonly namespace: string
  readonly version: number
  readonly value: string
}

interface OpenStream {
  readonly request: FollowRequest
  timer: NodeJS.Timeout | undefined
}

export const json = (value: unknown): JsonValue => {
  const parsed = parseStrictJson(Buffer.from(JSON.stringify(value)), { maxMembers: 10_000_000, maxBytes: 1 << 28 })
  if (!parsed.ok) throw new Error(parsed.message)
  return parsed.value
}

export const unavailable: ApiFailure = {
  ok: false,
  reason: 'unavailable',
  status: undefined,
  message: 'connect ECONNREFUSED',
}
const status = (code: number, message: string): ApiFailure => ({
  ok: false,
  reason: code < 500 ? 'refused' : 'unavailable',
  status: code,
  message,
})

/** One collection of an API server as `ApiServer` shows it, whose every fault can be had at will. */
export class FakeCollection implements ApiServer {
  readonly cluster = 'local'
  /** Versions before it have expired. */
  oldest = 0
  version = 100
  /** How every request and watch fails. */
  down: ApiFailure | undefined
  /** How every list fails, watches going on. */
  listFailure: ApiFailure | undefined
  /** How every question for a version fails. */
  proofFailure: ApiFailure | undefined
  /** A partition: nothing arrives and nothing fails. */
  silent = false
  /** Whether one bookmark comes before the end of a watch. */
  bookmarks = true
  /** Called before each page of a list after the first. */
  onNextPage: () => ApiFailure | undefined = () => undefined
  /** Whether watches stay open for longer than was asked. */
  endless = false
  latencyMs = 1
  readonly lists: string[] = []
  readonly watches: string[] = []
  readonly proofs: string[] = []
  readonly #streams = new Set<OpenStream>()
  #objects = new Map<string, Stored>()
  #history: { readonly version: number; readonly line: unknown }[] = []

  /** Values of what has no namespace, by name. */
  get state(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#objects.values()].map(({ name, value }) => [name, value]))
  }

  get open(): number {
    return this.#streams.size
  }

  set(name: string, value: string, namespace = ''): void {
    const key = `${namespace}/${name}`
    const type = this.#objects.has(key) ? 'MODIFIED' : 'ADDED'
    const stored = { name, namespace, value, version: ++this.version }
    this.#objects.set(key, stored)
    this.#tell({ type, object: bodyOf(stored) })
  }

  remove(name: string, namespace = ''): void {
    const stored = this.#objects.get(`${namespace}/${name}`)
    if (stored === undefined) throw new Error('there is no such object')
    this.#objects.delete(`${namespace}/${name}`)
    this.#tell({ type: 'DELETED', object: bodyOf({ ...stored, version: ++this.version }) })
  }

  /** Changes it without an event: what a watch would never learn. */
  slip(name: string, value: string): void {
    this.#objects.set(`/${name}`, { name, namespace: '', value, version: ++this.version })
  }

  /** An etcd that was restored: objects and the version are those of before. */
  restore(version: number, objects: Readonly<Record<string, string>>): void {
    this.version = version
    this.oldest = 0
    this.#history = []
    this.#objects = new Map(
      Object.entries(objects).map(([name, value]) => [`/${name}`, { name, namespace: '', value, version }]),
    )
  }

  /** Sends any line to the open watches. */
  send(line: unknown): void {
    for (const { request } of [...this.#streams]) request.onLine(json(line))
  }

  endWatches(failure?: ApiFailure): void {
    for (const stream of [...this.#streams]) this.#end(stream, failure)
  }

  async request({ path }: ApiRequest): Promise<ApiResponse> {
    const query = new URLSearchParams(path.slice(path.indexOf('?')))
    const proof = query.get('resourceVersion')
    const token = query.get('continue')
    if (proof !== null) this.proofs.push(path)
    else if (token === null) this.lists.push(path)
    await new Promise(resolve => setTimeout(resolve, this.silent ? 15_000 : this.latencyMs))
    if (this.silent) return { ok: false, reason: 'timeout', status: undefined, message: 'no answer' }
    const down = this.down ?? (proof === null ? this.listFailure : this.proofFailure)
    if (down !== undefined) return down
    if (proof !== null && Number(proof) > this.version) return status(504, 'Too large resource version: 9, current: 1')
    const next = token === null ? undefined : this.onNextPage()
    if (next !== undefined) return next
    const all = [...this.#objects.values()]
    const from = Number(token ?? 0)
    const to = from + Number(query.get('limit'))
    const metadata = { resourceVersion: String(this.version), ...(to < all.length ? { continue: String(to) } : {}) }
    return { ok: true, status: 200, body: json({ metadata, items: all.slice(from, to).map(bodyOf) }) }
  }

  follow(request: FollowRequest): { close(): void } {
    const query = new URLSearchParams(request.path.slice(request.path.indexOf('?')))
    const from = Number(query.get('resourceVersion'))
    const seconds = Number(query.get('timeoutSeconds'))
    this.watches.push(request.path)
    const stream: OpenStream = { request, timer: undefined }
    this.#streams.add(stream)
    stream.timer = setTimeout(() => this.#begin(stream, from, seconds), this.latencyMs)
    return { close: () => this.#close(stream) }
  }

  close(): void {}

  #begin(stream: OpenStream, from: number, seconds: number): void {
    const { request } = stream
    if (this.silent) {
      const late: ApiFailure = { ok: false, reason: 'timeout', status: undefined, message: 'not opened in time' }
      stream.timer = setTimeout(() => this.#end(stream, late), request.timeoutMs)
      return
    }
    if (this.down !== undefined) {
      this.#end(stream, this.down)
      return
    }
    request.onOpen?.()
    if (from < this.oldest) {
      request.onLine(
        json({ type: 'ERROR', object: { kind: 'Status', code: 410, message: 'too old resource version' } }),
      )
      this.#end(stream, undefined)
      return
    }
    for (const { version, line } of this.#history) if (version > from) request.onLine(json(line))
    if (!this.#streams.has(stream)) return
    if (this.endless) return
    stream.timer = setTimeout(() => {
      if (this.silent) {
        const left = request.silenceMs - seconds * 1000
        stream.timer = setTimeout(() => this.#end(stream, unavailable), Math.max(0, left))
        return
      }
      const object = { metadata: { resourceVersion: String(this.version) } }
      // None for a version of the future: the API server waits until there is something to say.
      if (this.bookmarks && from <= this.version) request.onLine(json({ type: 'BOOKMARK', object }))
      this.#end(stream, undefined)
    }, seconds * 1000)
  }

  #tell(line: unknown): void {
    this.#history.push({ version: this.version, line })
    if (!this.silent) this.send(line)
  }

  #end(stream: OpenStream, failure: ApiFailure | undefined): void {
    if (!this.#streams.has(stream)) return
    this.#close(stream)
    stream.request.onEnd(failure)
  }

  #close(stream: OpenStream): void {
    clearTimeout(stream.timer)
    this.#streams.delete(stream)
  }
}

function bodyOf({ name, namespace, version, value }: Stored): object {
  const metadata = {
    name,
    ...(namespace === '' ? {} : { namespace }),
    resourceVersion: String(version),
    managedFields: [{}],
  }
  return { metadata, data: { value } }
}
