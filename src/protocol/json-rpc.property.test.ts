import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readJsonRpc } from './json-rpc.js'

const read = (text: string) => readJsonRpc(Buffer.from(text, 'utf8'))
const idText = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc.string({ unit: 'grapheme', maxLength: 20 }).map(text => JSON.stringify(text)),
  fc.nat(0x7e).map(code => `"\\u00${code.toString(16).padStart(2, '0').toUpperCase()}"`),
)
const method = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })

it('keeps the id of a request byte for byte, in whatever order the members come', () => {
  const blank = fc.constantFrom('', ' ', '\n\t')
  fc.assert(
    fc.property(idText, method, fc.nat(5), blank, (id, name, order, space) => {
      const members = ['"jsonrpc":"2.0"', `"id"${space}:${space}${id}`, `"method":${JSON.stringify(name)}`]
      const first = members.splice(order % 3, 1)
      const text = `{${[...first, ...(order < 3 ? members : members.reverse())].join(`${space},`)}}`
      expect(read(text)).toEqual({ ok: true, message: { kind: 'request', id, method: name, params: undefined } })
    }),
  )
})

it('reads a message in exactly one way: method or outcome, id or none', () => {
  const parts = fc.subarray(
    [
      '"jsonrpc":"2.0"',
      '"id":1',
      '"method":"m"',
      '"params":{}',
      '"result":{}',
      '"error":{"code":1,"message":""}',
      '"x":0',
    ],
    { minLength: 0 },
  )
  fc.assert(
    fc.property(parts, members => {
      const has = (name: string) => members.some(member => member.startsWith(`"${name}"`))
      const outcomes = Number(has('result')) + Number(has('error'))
      const expected =
        !has('jsonrpc') || has('x')
          ? undefined
          : has('method')
            ? outcomes === 0 && (has('id') ? 'request' : 'notification')
            : outcomes === 1 && has('id') && !has('params') && 'response'
      const result = read(`{${members.join(',')}}`)
      expect(result.ok ? result.message.kind : false).toBe(expected || false)
    }),
    { numRuns: 400 },
  )
})

it('refuses protocol keys in any other case, also with the letters that fold to s and k', () => {
  const keys = ['jsonrpc', 'id', 'method', 'params', 'result', 'error']
  const folded = fc.constantFrom(...keys).chain(key =>
    fc
      .tuple(
        ...[...key].map(letter => fc.constantFrom(letter, letter.toUpperCase(), letter === 's' ? '\u017f' : letter)),
      )
      .map(letters => letters.join(''))
      .filter(other => !keys.includes(other)),
  )
  fc.assert(
    fc.property(folded, key => {
      const text = `{"jsonrpc":"2.0","id":1,"method":"m",${JSON.stringify(key)}:{}}`
      expect(read(text)).toMatchObject({ ok: false, reason: 'message.folded_key', id: '1' })
    }),
  )
})

it('refuses ids that servers hold differently, and then knows none', () => {
  const odd = fc.oneof(
    fc.constantFrom('null', 'true', '{}', '[]', '-0', '1.0', '1e3', '0.5'),
    fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .filter(one => !Number.isInteger(one))
      .map(String),
    fc.bigInt({ min: 2n ** 63n, max: 2n ** 64n - 1n }).map(String),
    fc.integer({ min: 511, max: 600 }).map(length => JSON.stringify('a'.repeat(length))),
  )
  fc.assert(
    fc.property(odd, id => {
      expect(read(`{"jsonrpc":"2.0","id":${id},"method":"m"}`)).toMatchObject({
        ...{ ok: false, reason: 'message.id', id: undefined },
      })
    }),
  )
})

it('never throws, and its message holds nothing of what was sent', () => {
  fc.assert(
    fc.property(fc.json(), text => {
      const result = read(text)
      if (!result.ok) expect(result.message).toMatch(/^[\x20-\x7e]{1,200}$/)
    }),
  )
})
