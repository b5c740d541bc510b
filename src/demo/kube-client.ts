import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { parseAllDocuments } from 'yaml'
import * as z from 'zod'
import type { KubeServerPlace } from './kube-server.js'

/** As whom: a token, or a name (and groups) that the admin takes on by impersonation. */
export type Caller =
  | string
  | { readonly token: string }
  | { readonly user: string; readonly groups?: readonly string[] }

export interface ApiAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Parsed JSON; text where it is none. */
  readonly body: unknown
  /** What a Status says, such as why it was refused; else "". */
  readonly message: string
}

/** A client of a Kubernetes API server: JSON in and out. An answer of any status is an answer; only `apply` throws. */
export interface KubeClient {
  get(path: string): Promise<ApiAnswer>
  post(path: string, body: object): Promise<ApiAnswer>
  put(path: string, body: object): Promise<ApiAnswer>
  delete(path: string): Promise<ApiAnswer>
  /** A merge patch, or one of the media type given. */
  patch(path: string, body: object, type?: string): Promise<ApiAnswer>
  /**
   * Server-side apply of every document of a YAML text, of a file (a name that ends in .yaml) or of an object. Waits for
   * what is not there at once: types of a CustomResourceDefinition, the ServiceAccount of a namespace. Throws at the
   * first document that is refused.
   */
  apply(what: string | object): Promise<void>
  /** Path of an object, or of its collection with `name: ''`. Throws where the API server has no such type. */
  pathOf(object: KubeObject): Promise<string>
  close(): Promise<void>
}

const KubeObject = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
})
export type KubeObject = z.infer<typeof KubeObject>

const Resources = z.looseObject({
  resources: z.array(z.looseObject({ name: z.string(), kind: z.string(), namespaced: z.boolean() })),
})
const Status = z.looseObject({ kind: z.literal('Status'), message: z.string() })

const patience = { everyMs: 50, timeoutMs: 10_000 }
const timeoutMs = 30_000

export function createKubeClient(place: KubeServerPlace, caller: Caller): KubeClient {
  const dispatcher = new Agent({ connect: { ca: readFileSync(place.caFile) }, connections: 4 })
  const identity = headersOf(place, caller)
  const send = async (
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
    type = 'application/json',
  ): Promise<ApiAnswer> => {
    const answer = await request(place.url + path, {
      ...{ method, dispatcher, headersTimeout: timeoutMs, bodyTimeout: timeoutMs },
      headers: { ...identity, accept: 'application/json', ...(body === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const parsed = parse(await answer.body.text())
    const { success, data } = Status.safeParse(parsed)
    return { status: answer.statusCode, headers: answer.headers, body: parsed, message: success ? data.message : '' }
  }

  const pathOf = async ({ apiVersion, kind, metadata }: KubeObject): Promise<string> => {
    const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
    const type = await until(async () => {
      const { success, data } = Resources.safeParse((await send('GET', base)).body)
      return success ? data.resources.find(one => one.kind === kind && !one.name.includes('/')) : undefined
    })
    if (type === undefined) throw new Error(`the API server has no ${apiVersion} ${kind}`)
    const scope = type.namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : ''
    return `${base}${scope}/${type.name}${metadata.name === '' ? '' : `/${metadata.name}`}`
  }

  const applyObject = async (object: KubeObject): Promise<void> => {
    const path = await pathOf(object)
    const query = '?fieldManager=mcp-authz-demo&force=true&fieldValidation=Strict'
    const answer = await send('PATCH', path + query, object, 'application/apply-patch+yaml')
    if (answer.status >= 300) throw new Error(`${object.kind} ${object.metadata.name}: ${answer.message}`)
    if (object.kind !== 'Namespace') return
    await until(async () => (await send('GET', `${path}/serviceaccounts/default`)).status === 200 || undefined)
  }

  return {
    get: path => send('GET', path),
    post: (path, body) => send('POST', path, body),
    put: (path, body) => send('PUT', path, body),
    delete: path => send('DELETE', path),
    patch: (path, body, type = 'application/merge-patch+json') => send('PATCH', path, body, type),
    async apply(what) {
      for (const object of typeof what === 'string' ? readYaml(what) : [KubeObject.parse(what)])
        await applyObject(object)
    },
    pathOf,
    close: () => dispatcher.close(),
  }
}

function headersOf({ tokens }: KubeServerPlace, caller: Caller): Record<string, string | string[]> {
  if (typeof caller === 'object' && 'token' in caller) return { authorization: `Bearer ${caller.token}` }
  const { user, groups = [] } = typeof caller === 'string' ? { user: caller } : caller
  const admin = { authorization: `Bearer ${tokens.admin}` }
  if (user === 'admin') return admin
  // An empty name would be no impersonation at all.
  if (user === '') throw new Error('nobody can be impersonated')
  return { ...admin, 'impersonate-user': user, ...(groups.length === 0 ? {} : { 'impersonate-group': [...groups] }) }
}

function readYaml(what: string): KubeObject[] {
  const text = /\.ya?ml$/.test(what) && !what.includes('\n') ? readFileSync(what, 'utf8') : what
  return parseAllDocuments(text).flatMap(document => {
    const value: unknown = document.toJS()
    return value === null ? [] : [KubeObject.parse(value)]
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Asks again until there is an answer; undefined when there was none in time. */
async function until<T>(ask: () => Promise<T | undefined>): Promise<T | undefined> {
  const end = Date.now() + patience.timeoutMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined || Date.now() > end) return answer
    await sleep(patience.everyMs)
  }
}
