import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inbound } from '../../test/support/inbound.js'
import { catalogs, memorySource, namesAsTokens, person, storeOf } from '../../test/support/policies.js'
import { denialModes } from '../policy/server.js'
import { createDecide } from './create-decide.js'
import type { Answer, Decision } from './decision.js'

const text = fc.array(
  fc.constantFrom(
    ...['a', '"', '\\', '\n', '\u0000', '\u202e', '\u2028', '\u001b[31m', '</script>', 'é', '😀', '{', '}', ' '],
  ),
  { maxLength: 12 },
)
const hostile = text.map(parts => parts.join(''))
/** JSON texts, so that an id can be compared byte for byte. */
const id = fc.oneof(
  fc.maxSafeInteger().map(String),
  hostile.map(one => JSON.stringify(one)),
  fc.constantFrom('"\\u0061"', '"\\u2028"', '9007199254740993', '""', '"\\/"'),
)

/** Denies every tools/call with words of the caller's own. */
const guarded = (denial: string) => `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: s }
spec: { resource: https://mcp.example.com/mcp, require: [grants], denial: ${denial} }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: g }
spec: { match: { servers: [s], subjects: [{ kind: Group, name: "system:authenticated" }] } }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: echo }
spec:
  match: { servers: [s], methods: [tools/call] }
  validations:
    - { expression: "false", messageExpression: "'no: ' + string(args.text)" }`

function respondIn(decision: Decision): Answer & { kind: 'respond' } {
  if (decision.answer.kind !== 'respond') throw new Error('it was allowed')
  for (const { value } of decision.answer.headers) expect(value).toMatch(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/)
  return decision.answer
}

/** Every string in a JSON value. */
function stringsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : []
}

describe.each(denialModes)('denials of the mode %s', mode => {
  const store = storeOf([catalogs, memorySource({ 'a.yaml': guarded(mode) })], namesAsTokens({ bob: person('bob') }))
  const { findings, inForce } = store.load()
  if (!inForce) throw new Error(JSON.stringify(findings))
  const decide = createDecide({ snapshot: () => store.current })
  const judge = (body: string, token?: string): Decision => {
    const headers = { ...(token !== undefined && { authorization: `Bearer ${token}` }) }
    const decision = decide(inbound({ headers, body }))
    if (decision instanceof Promise) throw new Error('the pipeline waited although everything is warm')
    return decision
  }

  it('are JSON, echo the id byte for byte, and hold nothing unseen', () => {
    fc.assert(
      fc.property(
        id,
        hostile,
        fc.constantFrom('bob', 'nobody', undefined),
        fc.nat(400),
        (lexeme, said, token, times) => {
          const args = JSON.stringify({ text: said.repeat(times) })
          const body = `{"jsonrpc":"2.0","id":${lexeme},"method":"tools/call","params":{"name":"t","arguments":${args}}}`
          const answer = respondIn(judge(body, token))
          expect(answer.body).toContain(`"id":${lexeme},`)
          const parsed: unknown = JSON.parse(answer.body)
          expect(parsed).toMatchObject({ jsonrpc: '2.0', id: JSON.parse(lexeme) })
          const ours = stringsIn({ ...(parsed as object), id: undefined })
          // The explanation of a tool result is one of ours, with lines of its own.
          for (const one of ours) expect(one.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
          expect(Buffer.byteLength(answer.body)).toBeLessThan(16 * 1024)
        },
      ),
    )
  })

  it('of what could not be read are JSON too, with an id only if there was one', () => {
    const broken = fc.constantFrom(
      ...['"id":1,"id":2', '"id":1.5', '"id":1,"METHOD":"x"', '"id":1,"params":[]', '"x":"\u0000"', '"id":null', ''],
    )
    fc.assert(
      fc.property(broken, hostile, fc.constantFrom('bob', undefined), (member, said, token) => {
        const answer = respondIn(judge(`{"jsonrpc":"2.0",${member},"method":${JSON.stringify(said)}}`, token))
        const parsed: unknown = JSON.parse(answer.body)
        expect(parsed).toMatchObject({ jsonrpc: '2.0' })
        for (const one of stringsIn(parsed)) expect(one.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
        expect(answer.body.length).toBeLessThan(4096)
      }),
    )
  })
})
