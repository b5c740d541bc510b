import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memorySource, namesAsTokens, person, storeOf } from '../../test/support/policies.js'
import { readResultTexts } from '../protocol/mcp/result-texts.js'
import { createResultGuard } from './guard-results.js'
import type { Viewer } from './hypothetical-call.js'

/** Patterns, and how JavaScript says the same. */
const patterns: readonly (readonly [re2: string, ecma: RegExp])[] = [
  ['ab+', /ab+/],
  ['b[a-c]{2}', /b[a-c]{2}/],
  ['^c', /^c/],
  ['a$', /a$/],
  ['(?s)a.c', /a.c/s],
  ['\\b[ab]{3}\\b', /\b[ab]{3}\b/],
  ['c\\s+a', /c\s+a/],
]

const viewers = new Map<string, Viewer>()

function viewerOf(used: readonly string[], replacement: string): Viewer {
  const key = JSON.stringify([used, replacement])
  const known = viewers.get(key)
  if (known !== undefined) return known
  const documents = [
    "{ apiVersion: mcp-authz.dev/v1alpha1, kind: Server, metadata: { name: srv }, spec: { resource: 'https://srv.example.com/mcp' } }",
    ...used.map((pattern, index) =>
      JSON.stringify({
        apiVersion: 'mcp-authz.dev/v1alpha1',
        kind: 'Guardrail',
        metadata: { name: `g${index}` },
        spec: { on: 'response', patterns: [{ pattern, replacement }] },
      }),
    ),
  ]
  const store = storeOf([memorySource({ 'a.yaml': documents.join('\n---\n') })], namesAsTokens({}))
  store.load()
  const snapshot = store.current
  const server = snapshot?.servers.byName('srv')
  if (snapshot === undefined || server === undefined) throw new Error('the policies do not load')
  const viewer = { snapshot, server, principal: person('alice') }
  viewers.set(key, viewer)
  return viewer
}

const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' ', '\n', '"', 'é', '\\'), maxLength: 12 })
const { value } = fc.letrec(tie => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  ),
}))
const block = fc.oneof(
  text.map(one => ({ type: 'text', text: one })),
  text.map(one => ({ type: 'resource', resource: { uri: 'x:y', blob: Buffer.from(one).toString('base64') } })),
  value,
)
const message = fc.oneof(
  fc.record({
    id: fc.nat(),
    result: fc.record({ content: fc.array(block, { maxLength: 4 }), structuredContent: value }),
  }),
  fc.record({ id: fc.nat(), error: fc.record({ code: fc.nat({ max: 9 }), message: text, data: value }) }),
  fc.record({ method: fc.constant('x/y'), params: value }),
  fc.record({ id: fc.nat(), result: value, extra: value }),
)

describe('whatever a server sends', () => {
  it('holds no more of what is redacted, and is withheld else', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(message, fc.array(message, { maxLength: 3 })),
        fc.subarray([...patterns], { minLength: 1 }),
        fc.constantFrom('', '*', '[x]'),
        fc.constantFrom(undefined, 1),
        async (sent, used, replacement, indent) => {
          const viewer = viewerOf(
            used.map(([source]) => source),
            replacement,
          )
          const guard = createResultGuard(viewer, { method: 'tools/call', tool: 't' })
          const bytes = Buffer.from(JSON.stringify(sent, undefined, indent))
          const guarded = await guard.guard(bytes, 'd')
          if (!guarded.ok) return
          const { failures, redactions } = guarded.notes
          const left = textsOf(guarded.bytes)
          if (failures.length === 0) for (const [, ecma] of used) expect(left.filter(one => ecma.test(one))).toEqual([])
          if (failures.length === 0 && redactions.length === 0) expect(guarded.bytes).toBe(bytes)
          const found = textsOf(bytes).some(one => used.some(([, ecma]) => ecma.test(one)))
          expect(failures.length > 0 || redactions.length > 0).toBe(found)
          // What goes on is one JSON text with as many messages, under the same ids.
          expect(idsOf(guarded.bytes)).toEqual(idsOf(bytes))
          expect((await guard.guard(guarded.bytes, 'd')).ok).toBe(true)
        },
      ),
      { numRuns: 300 },
    )
  })
})

function textsOf(bytes: Uint8Array): readonly string[] {
  const texts = readResultTexts(bytes, { all: true })
  if (!texts.ok) throw new Error(texts.message)
  return texts.messages.flatMap(one =>
    Array.from({ length: one.to - one.from }, (_, at) => {
      const { part } = texts.place(one.from + at, one)
      const found = texts.value(one.from + at)
      return part === 'data' ? Buffer.from(found, 'base64').toString('utf8') : found
    }),
  )
}

function idsOf(bytes: Uint8Array): unknown {
  const parsed = JSON.parse(Buffer.from(bytes).toString('utf8'))
  return Array.isArray(parsed) ? parsed.map(({ id }) => id) : parsed.id
}
