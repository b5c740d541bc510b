import { encodeName } from '../../src/decision/allow-headers.js'
import { checkArguments } from '../../src/decision/check-arguments.js'
import { safeText } from '../../src/decision/safe-text.js'
import { challenge } from '../../src/identity/challenge.js'
import type { Call } from '../../src/protocol/call.js'
import { isJsonContentType } from '../../src/protocol/content-type.js'
import { checkFraming } from '../../src/protocol/framing.js'
import { inboundRequest } from '../../src/protocol/inbound-request.fixture.js'
import { readJsonRpc } from '../../src/protocol/json-rpc.js'
import { isJsonObject } from '../../src/protocol/json-value.js'
import { decodeNameHeader } from '../../src/protocol/mcp/name-header.js'
import { refuseUri } from '../../src/protocol/mcp/resource-uri.js'
import { refuseParams } from '../../src/protocol/mcp/targets.js'
import { parseStrictJson } from '../../src/protocol/strict-json.js'

/** Something whose time could grow faster than its size, ready to run on an input of a size. */
export interface AdversarialInput {
  readonly name: string
  prepare(size: number): () => unknown
}

/** `piece` between `start` and `end` as often as is asked for; a comma behind the last one is left out. */
function json(name: string, piece: (at: number) => string, start: string, end: string): AdversarialInput {
  return { name, prepare: count => read(start + Array.from({ length: count }, (_, at) => piece(at)).join(''), end) }
}

/** A string, or white space, or digits, of so many bytes. */
function long(name: string, piece: string, start = '"', end = '"'): AdversarialInput {
  return { name, prepare: size => read(start + piece.repeat(size / Buffer.byteLength(piece)), end) }
}

/** Under the limits that hold in production, which the largest inputs just meet. */
function read(text: string, end: string): () => unknown {
  const bytes = Buffer.from(text.replace(/,$/, '') + end, 'utf8')
  return () => readJsonRpc(bytes)
}

/** By the number of members: the most that a message may have are 10,000. */
export const manyMembers: readonly AdversarialInput[] = [
  json(
    'nested to the limit, again and again',
    at => (at % 60 === 0 ? `${'['.repeat(60)}${']'.repeat(60)},` : ''),
    '[',
    ']',
  ),
  json(
    'objects nested to the limit',
    at => (at % 60 === 0 ? `${'{"a":'.repeat(59)}0${'}'.repeat(59)},` : ''),
    '[',
    ']',
  ),
  json('many members', at => `"member${at}":${at},`, '{', '}'),
  json('keys that are numbers', at => `"${at * 65_536}":0,`, '{', '}'),
  json('long keys with one beginning', at => `"${'a'.repeat(300)}${at}":0,`, '{', '}'),
  json('keys in escapes', at => `"\\u0061${at}":0,`, '{', '}'),
  json('keys that are not ASCII', at => `"é${at}":0,`, '{', '}'),
  json('a batch of messages', at => (at % 4 === 0 ? `{"jsonrpc":"2.0","id":${at},"method":"ping"},` : ''), '[', ']'),
  json('empty objects', () => '{},', '[', ']'),
  json('short strings with escapes', () => '"\\n",', '[', ']'),
  json('white space between members', () => `1${' \n\t\r'.repeat(50)},`, '[', ']'),
  json('integers of twenty digits', () => '18446744073709551615,', '[', ']'),
  json('doubles of many digits', () => `0.${'1'.repeat(300)},`, '[', ']'),
  {
    name: 'keys near to those of the protocol',
    prepare: count => {
      const members = Array.from({ length: count - 4 }, (_, at) => `"METHO${at}":1`)
      const bytes = Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{${members.join(',')}}}`)
      return () => {
        const message = readJsonRpc(bytes)
        if (!message.ok || message.message.kind === 'response') throw new Error('no request')
        return refuseParams(message.message.params)
      }
    },
  },
  {
    name: 'arguments with keys in capitals',
    prepare: count => {
      const members = Array.from({ length: count / 2 }, (_, at) => `"Argument${at}":{"Name${at}":1}`)
      const json = parseStrictJson(Buffer.from(`{${members.join(',')}}`))
      if (!json.ok || !isJsonObject(json.value)) throw new Error('no object')
      const call: Call = {
        ...{ protocol: 'mcp', kind: 'request', era: 'legacy', version: undefined, id: '1', method: 'tools/call' },
        ...{ target: { kind: 'tool', name: 't' }, alsoTargets: [], params: undefined, sessionId: undefined },
        arguments: json.value,
      }
      const looked = [new Set(['namespace', 'scale']), new Set(Array.from({ length: 50 }, (_, at) => `looked${at}`))]
      return () => checkArguments(call, undefined, () => looked)
    },
  },
]

/** By bytes. */
const documents: readonly AdversarialInput[] = [
  long('white space', ' \n\t\r', '[', ']'),
  long('long digits', '9', '1', ''),
  long('a long fraction', '1', '0.', ''),
  long('a long exponent', '0', '1e-', '1'),
  long('a long string', 'abcdefgh'),
  long('a long string that does not end', 'abcdefgh', '"', ''),
  long('a long key', 'abcdefgh', '{"', '":1}'),
  long('escapes', '\\n'),
  long('escaped quotes', '\\"'),
  long('backslashes', '\\\\'),
  long('backslashes that escape the last quote', '\\\\', '"', '\\"'),
  long('\\u escapes', '\\u0041'),
  long('surrogate pairs as escapes', '\\ud83d\\ude00'),
  long('characters of four bytes', '😀'),
  long('a key in capitals, near to one of the protocol', 'K\u212a\u017f', '{"METHOD', '":1,"jsonrpc":"2.0"}'),
]

/** Texts of a request: most are too long for us, which must be found without reading them again and again. */
const texts: readonly AdversarialInput[] = [
  text('content type of parameters', size => `application/json${';a=b'.repeat(size / 4)}`, isJsonContentType),
  text('content type of blanks', size => `application/json${' ;'.repeat(size / 2)}`, isJsonContentType),
  text('content type of quotes', size => `application/json; a="${'\\"'.repeat(size / 2)}`, isJsonContentType),
  text('name header of blanks', size => ' \t'.repeat(size / 2), decodeNameHeader),
  text('name header in base64', size => `=?base64?${'A'.repeat(size)}?=`, decodeNameHeader),
  text(
    'uri of dots',
    size => `https://${'a.'.repeat(size / 2)}/`,
    uri => refuseUri(uri),
  ),
  text(
    'uri of escapes',
    size => `https://a/${'%20'.repeat(size / 3)}`,
    uri => refuseUri(uri),
  ),
  text(
    'path of dots',
    size => `/${'./'.repeat(size / 2)}`,
    path => checkFraming(inboundRequest({ path, text: '{}' })),
  ),
  text(
    'path of escapes',
    size => `/${'%2e'.repeat(size / 3)}`,
    path => checkFraming(inboundRequest({ path, text: '{}' })),
  ),
  text(
    'query of pairs',
    size => 'a=b&'.repeat(size / 4),
    query => checkFraming(inboundRequest({ query, text: '{}' })),
  ),
  text(
    'query of escapes',
    size => '%61'.repeat(size / 3),
    query => checkFraming(inboundRequest({ query, text: '{}' })),
  ),
  text(
    'host of labels',
    size => 'a-'.repeat(size / 2),
    authority => checkFraming(inboundRequest({ authority, text: '{}' })),
  ),
  text(
    'connection header',
    size => 'upgrad '.repeat(size / 7),
    value => checkFraming(header('connection', value)),
  ),
  text(
    'header name with underscores',
    size => '_'.repeat(size),
    name => checkFraming(header(name, 'a')),
  ),
  text(
    'text for a model',
    size => 'a \u001b[ \u200b'.repeat(size / 6),
    one => safeText(one),
  ),
  text('user name', size => 'é, '.repeat(size / 256), encodeName),
  text(
    'scopes',
    size => '"\\'.repeat(size / 256),
    scope => challenge({ realm: scope, resourceMetadata: scope }),
  ),
]

function text(name: string, make: (size: number) => string, run: (text: string) => unknown): AdversarialInput {
  return {
    name,
    prepare: size => {
      const made = make(size)
      return () => run(made)
    },
  }
}

function header(name: string, value: string) {
  return inboundRequest({ headers: [[name, value]], text: '{}' })
}

/** By bytes: bodies to their limit, and texts beyond theirs. */
export const manyBytes: readonly AdversarialInput[] = [...documents, ...texts]
