import { randomUUID } from 'node:crypto'
import { parseStrictJson } from '../protocol/strict-json.js'
import type { UnknownAnswer, UnknownAnswers } from '../rbac/unknown-answers.js'
import type { Answer, HeaderValue } from './decision.js'
import type { Trial } from './trial.js'

/**
 * The answer of `denial: hide`: what the server itself would say if there were no such thing. Where the server's
 * ToolCatalog tells (`notFound`), to the byte; else in the words of the SDK servers, which tell no more but are not
 * the server's own. Nothing of ours is in it that is not in every answer of this server.
 *
 * @param status of the form without a template.
 */
export function unknownNameAnswer(trial: Trial, status: number): Answer {
  // The messages of a batch are answered in one body, which the frame of one would break.
  const found = trial.batch === undefined ? findAnswer(trial) : undefined
  const message = unknownNameMessage(trial)
  const own: readonly HeaderValue[] =
    trial.server?.denial === 'hide' ? [] : [{ name: 'x-mcp-authz-decision-id', value: trial.id }]
  if (found === undefined) {
    const headers = [{ name: 'content-type', value: 'application/json' }, ...own]
    return { kind: 'respond', status, headers, body: message }
  }
  const { answer } = found
  return {
    kind: 'respond',
    status: answer.status,
    headers: [...headersOf(answer, trial), ...own],
    body: answer.frame.replace(/\{(message|uuid)\}/g, (_all, what) => (what === 'message' ? message : randomUUID())),
  }
}

/** The JSON-RPC message in it, without framing. */
export function unknownNameMessage(trial: Trial): string {
  const { call, knownId = 'null' } = trial
  const found = findAnswer(trial) ?? findAnswer(trial, 'any way of asking')
  const template = found?.answer.messages?.get(call?.method ?? '')
  if (found === undefined || template === undefined) return genericMessage(trial)
  const { json } = found.answers
  const name = call === undefined || call.target.kind === 'none' ? '' : call.target.name
  return template.replace(/\{(id|name)\}/g, (_all, what) =>
    what === 'id' ? rewrittenId(knownId, json) : writeString(name, json).slice(1, -1),
  )
}

function findAnswer(
  trial: Trial,
  how: 'as asked' | 'any way of asking' = 'as asked',
): { readonly answers: UnknownAnswers; readonly answer: UnknownAnswer } | undefined {
  const { call, server, request } = trial
  const answers = server?.catalog?.notFound
  // Through a meta-tool the name is another one than the server was told; the old transport answers elsewhere.
  if (answers === undefined || server?.sse !== undefined) return undefined
  if (call === undefined || call.target.kind === 'none' || call.via !== undefined) return undefined
  const version = request.headers.one('mcp-protocol-version') ?? ''
  const acceptable = accepts(request.headers.all('accept'), answers.accept)
  const answer = answers.answers.find(one => {
    if (!one.eras.has(call.era)) return false
    if (how === 'any way of asking') return one.messages?.has(call.method) === true
    return (
      (one.since === undefined || version >= one.since) &&
      (one.acceptable === undefined || one.acceptable === acceptable) &&
      (one.session === undefined || one.session === (call.sessionId !== undefined)) &&
      (one.messages === undefined || one.messages.has(call.method))
    )
  })
  return answer && { answers, answer }
}

const generic = { tool: 'Tool', prompt: 'Prompt', resource: 'Resource' } as const

/** The words of the SDK servers. */
function genericMessage({ call, knownId = 'null' }: Trial): string {
  const target = call?.target ?? { kind: 'none' }
  const error =
    target.kind === 'none' || target.kind === 'task'
      ? { code: target.kind === 'none' ? -32601 : -32602, message: 'Method not found' }
      : { code: -32602, message: `${generic[target.kind]} ${target.name} not found` }
  return `{"jsonrpc":"2.0","id":${knownId},"error":${JSON.stringify(error)}}`
}

/** Whether a request accepts JSON and event streams, as a client of MCP must say that it does. */
function accepts(values: readonly string[], how: UnknownAnswers['accept']): boolean {
  if (how === 'literal') {
    const joined = values.join(', ')
    return joined.includes('application/json') && joined.includes('text/event-stream')
  }
  const ranges = new Set(
    values.flatMap(value => value.split(',')).map(range => range.split(';', 1).join('').trim().toLowerCase()),
  )
  const any = ranges.has('*/*')
  return (
    (any || ranges.has('application/*') || ranges.has('application/json')) &&
    (any || ranges.has('text/*') || ranges.has('text/event-stream'))
  )
}

function headersOf(answer: UnknownAnswer, { call }: Trial): readonly HeaderValue[] {
  return answer.headers.flatMap(({ name, value }) => {
    if (value !== '{session}') return [{ name, value }]
    return call?.sessionId === undefined ? [] : [{ name, value: call.sessionId }]
  })
}

/**
 * An id as the server would write it again: it read the bytes into a value of its language. Where it would have refused
 * the message instead, the id stays as it came.
 */
function rewrittenId(lexeme: string, json: UnknownAnswers['json']): string {
  if (lexeme.startsWith('"')) {
    const parsed = parseStrictJson(Buffer.from(lexeme))
    return parsed.ok && typeof parsed.value === 'string' ? writeString(parsed.value, json) : lexeme
  }
  const number = Number(lexeme)
  // Go reads numbers as 64-bit floats and makes integers of them; JavaScript servers take safe integers only.
  const kept = json === 'go' ? Math.abs(number) < 2 ** 63 : Number.isSafeInteger(number)
  return kept ? BigInt(number).toString() : lexeme
}

/** Go escapes two line separators that JavaScript leaves as they are. */
function writeString(text: string, json: UnknownAnswers['json']): string {
  const written = JSON.stringify(text)
  return json === 'javascript' ? written : written.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
}
