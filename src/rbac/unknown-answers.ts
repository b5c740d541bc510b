import * as z from 'zod'
import type { Finding } from '../documents/finding.js'
import type { PathSegment, SourceDocument } from '../documents/source-document.js'
import type { Era } from '../protocol/call.js'
import { parseStrictJson } from '../protocol/strict-json.js'

const headerName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'a header name is lower-case letters, digits and "-"')
const headerValue = z.string().regex(/^[\x21-\x7e](?:[\x20-\x7e]{0,510}[\x21-\x7e])?$/, 'not a plain header value')

const answer = z.strictObject({
  eras: z
    .array(z.enum(['legacy', 'modern']))
    .min(1)
    .max(2)
    .optional(),
  /** Least `MCP-Protocol-Version` header; a request without that header has none. */
  since: z
    .string()
    .regex(/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/, 'a protocol version is a date')
    .optional(),
  /** Whether the request accepts both media types that a client of MCP must accept. */
  acceptable: z.boolean().optional(),
  /** Whether the request names a session. */
  session: z.boolean().optional(),
  status: z.union([z.literal(200), z.int().min(400).max(599)]).default(200),
  headers: z.record(headerName, headerValue).default({}),
  /** The whole body: `{message}`, and `{uuid}` for an id that is another one each time. */
  frame: z.string().min(1).max(2048).default('{message}'),
  /** By method, with `{id}` and `{name}`. */
  messages: z.record(z.string().min(1).max(128), z.string().min(1).max(2048)).optional(),
})

/** `spec.notFound` of a ToolCatalog as users write it. */
export const unknownAnswersSchema = z.strictObject({
  /** What writes the server's JSON: how an id comes back. */
  json: z.enum(['go', 'javascript']),
  /** How the server reads `Accept`: as media ranges, or by looking for the two names in it. */
  accept: z.enum(['ranges', 'literal']).default('ranges'),
  answers: z.array(answer).min(1).max(32),
})

/** What a server answers to a name that it does not have; the first answer that fits a request is the one. */
export interface UnknownAnswers {
  readonly json: 'go' | 'javascript'
  readonly accept: 'ranges' | 'literal'
  readonly answers: readonly UnknownAnswer[]
}

export interface UnknownAnswer {
  readonly eras: ReadonlySet<Era>
  readonly since: string | undefined
  readonly acceptable: boolean | undefined
  readonly session: boolean | undefined
  readonly status: number
  readonly headers: readonly { readonly name: string; readonly value: string }[]
  readonly frame: string
  /** undefined: the frame is all, whatever the method. */
  readonly messages: ReadonlyMap<string, string> | undefined
}

/** They say how a message is sent, which the gateway does; and ours say that we are here. */
const refusedHeaders =
  /^(?:connection|content-length|content-encoding|date|keep-alive|server|trailer|transfer-encoding|upgrade|(?:x-envoy|x-mcp-authz)-.*)$/

export function compileUnknownAnswers(
  spec: z.output<typeof unknownAnswersSchema>,
  document: SourceDocument,
  path: readonly PathSegment[],
): { readonly value: UnknownAnswers; readonly findings: readonly Finding[] } {
  const findings: Finding[] = []
  const report = (at: readonly PathSegment[], message: string, hint: string): void => {
    findings.push(document.finding('error', [...path, 'answers', ...at], message, { hint }))
  }
  const answers = spec.answers.map((one, index): UnknownAnswer => {
    for (const name of Object.keys(one.headers)) {
      if (refusedHeaders.test(name)) report([index, 'headers', name], 'the gateway sets this header', 'remove it')
    }
    if ((one.messages !== undefined) !== one.frame.includes('{message}')) {
      report([index, 'frame'], 'a frame has {message} where there are messages, and only there', 'add or remove it')
    }
    for (const [method, text] of Object.entries(one.messages ?? {})) {
      const filled = Buffer.from(text.replace('{id}', '1').replaceAll('{name}', 'x'))
      if (parseStrictJson(filled).ok && /[\r\n]/.test(text) === false) continue
      report(
        [index, 'messages', method],
        'is not JSON on one line',
        'write it as the server does, with {id} and {name}',
      )
    }
    return {
      eras: new Set(one.eras ?? ['legacy', 'modern']),
      since: one.since,
      acceptable: one.acceptable,
      session: one.session,
      status: one.status,
      headers: Object.entries(one.headers).map(([name, value]) => ({ name, value })),
      frame: one.frame,
      messages: one.messages && new Map(Object.entries(one.messages)),
    }
  })
  return { value: { json: spec.json, accept: spec.accept, answers }, findings }
}
