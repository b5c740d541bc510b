import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../src/package-root.js'
import { type HostileBody, type HostileCase, hostileCase } from '../hostile/case.js'
import type { FuzzInput } from './fuzz-input.js'

export interface Seeds {
  readonly messages: readonly FuzzInput[]
  readonly contentTypes: readonly string[]
  readonly nameHeaders: readonly string[]
  readonly uris: readonly string[]
  /** Path with query. */
  readonly targets: readonly string[]
}

/** Larger ones would take the time of a thousand others. */
const maxBytes = 16 * 1024

/** A handful that is always there. */
const built: Seeds = {
  messages: [
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hi"}}}',
    '{"jsonrpc":"2.0","id":"a","method":"resources/read","params":{"uri":"file:///a/b.txt"}}',
    '{"jsonrpc":"2.0","method":"notifications/initialized"}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}',
    '[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]',
  ].map(text => ({ track: 'message', headers: [['content-type', 'application/json']], bytes: Buffer.from(text) })),
  contentTypes: [
    ...[
      'application/json',
      'application/json; charset=utf-8',
      'application/json; charset="utf-8"',
      'application/jsonx',
    ],
    ...[
      'application/json;charset=utf-16',
      'application/json; a="b\\"c"; charset=utf-8',
      'text/plain, application/json',
    ],
    ...['application/json; x="; charset=utf-16"', 'application/json; charset=utf-8; charset=utf-16'],
  ],
  nameHeaders: [
    'echo',
    ' echo ',
    '=?base64?ZWNobw==?=',
    '=?base64?w6k=?=',
    '=?base64?/w==?=',
    '=?base64??=',
    '=?base64?=',
  ],
  uris: [
    ...['https://example.com/a/b?c=d', 'http://127.0.0.1:8080/', 'file:///etc/passwd', 'ws://h/', 'ftp://h/a'],
    ...['k8s://ns/pods/web', 'urn:a:b', 'https://h/%20', 'https://h/%C3%A9', 'https://a.b-c.d1/;x=1/', 'mailto:a@b'],
  ],
  targets: [
    '/mcp',
    '/mcp?a=b',
    '/a/b%20c',
    '/a;b/c',
    '/a/..;/b',
    '/a/%2e%2e/b',
    '/.well-known/x',
    '/mcp?access%5Ftoken=x',
  ],
}

/** The built-in ones and everything of the hostile corpus. */
export function loadSeeds(directory: string = join(packageRoot, 'test/hostile/corpus')): Seeds {
  const cases = existsSync(directory) ? readdirSync(directory).flatMap(name => readCases(join(directory, name))) : []
  const requests = cases.flatMap(({ request }) => (request === undefined ? [] : [request]))
  const values = (name: string) =>
    requests.flatMap(({ headers = [] }) =>
      headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value),
    )
  const messages = requests.flatMap((request): FuzzInput[] => {
    const bytes = request.body === undefined ? undefined : bytesOf(request.body)
    if (bytes === undefined || bytes.length > maxBytes) return []
    const headers = (request.headers ?? []).map(([name, value]) => [name.toLowerCase(), value] as const)
    const typed = headers.some(([name]) => name === 'content-type')
    return [{ track: 'message', headers: typed ? headers : [['content-type', 'application/json'], ...headers], bytes }]
  })
  return {
    messages: [...built.messages, ...messages],
    contentTypes: [...built.contentTypes, ...values('content-type')],
    nameHeaders: [...built.nameHeaders, ...values('mcp-name')],
    uris: [...built.uris, ...messages.flatMap(({ bytes }) => urisIn(Buffer.from(bytes).toString('latin1')))],
    targets: [
      ...built.targets,
      ...requests.map(({ path = '/mcp', query }) => (query === undefined ? path : `${path}?${query}`)),
    ],
  }
}

function readCases(file: string): readonly HostileCase[] {
  if (!file.endsWith('.json')) return []
  // Cases that do not fit the format are the corpus' own test's to find.
  const content: unknown = JSON.parse(readFileSync(file, 'utf8'))
  return Array.isArray(content) ? content.flatMap(one => hostileCase.safeParse(one).data ?? []) : []
}

function bytesOf(body: HostileBody): Uint8Array {
  if (typeof body === 'string') return Buffer.from(body, 'utf8')
  if ('base64' in body) return Buffer.from(body.base64, 'base64')
  const size = body.repeat.reduce((sum, [piece, count]) => sum + piece.length * count, 0)
  if (size > maxBytes) return Buffer.alloc(maxBytes + 1)
  return Buffer.from(body.repeat.map(([piece, count]) => piece.repeat(count)).join(''), 'utf8')
}

function urisIn(text: string): readonly string[] {
  return [...text.matchAll(/"uri"\s*:\s*"([^"\\]{1,300})"/g)].map(([, uri = '']) => uri)
}
