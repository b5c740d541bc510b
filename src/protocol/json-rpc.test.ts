import { describe, expect, it } from 'vitest'
import { readJsonRpc } from './json-rpc.js'
import type { MessageReason } from './reasons.js'

const read = (text: string) => readJsonRpc(Buffer.from(text))

describe('readJsonRpc accepts', () => {
  it('a request, its id as written', () => {
    expect(read('{"jsonrpc":"2.0","id":"a\\u0062","method":"tools/list","params":{}}')).toEqual({
      ok: true,
      message: { kind: 'request', id: '"a\\u0062"', method: 'tools/list', params: new Map() },
    })
  })
  it.each(['0', '7', '-7', '9007199254740993', '""', '"x"'])('the id %s', id => {
    expect(read(`{"method":"ping","jsonrpc":"2.0","id":${id}}`)).toMatchObject({ ok: true, message: { id } })
  })
  it('a notification', () => {
    expect(read('{"jsonrpc":"2.0","method":"notifications/initialized"}')).toEqual({
      ok: true,
      message: { kind: 'notification', id: undefined, method: 'notifications/initialized', params: undefined },
    })
  })
  it('a result', () => {
    expect(read('{"jsonrpc":"2.0","id":1,"result":{}}')).toMatchObject({
      message: { kind: 'response', outcome: 'result' },
    })
  })
  it('an error', () => {
    expect(read('{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}')).toMatchObject({
      message: { kind: 'response', id: '1', outcome: 'error' },
    })
  })
})

describe('readJsonRpc refuses', () => {
  const cases: [name: string, text: string, reason: MessageReason, id: string | undefined][] = [
    ['no JSON', '{', 'message.not_json', undefined],
    ['a fault behind the id, which is echoed', '{"id":3,"jsonrpc":"2.0","x":1,"x":2}', 'message.duplicate_key', '3'],
    ['an id that came twice', '{"id":3,"id":4,"jsonrpc":"2.0","method":"ping"}', 'message.duplicate_key', undefined],
    ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', 'message.batch', undefined],
    ['an empty batch', '[]', 'message.batch', undefined],
    ['a string', '"ping"', 'message.not_jsonrpc', undefined],
    ['no version', '{"id":1,"method":"ping"}', 'message.not_jsonrpc', '1'],
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"ping"}', 'message.not_jsonrpc', '1'],
    ['the version as a number', '{"jsonrpc":2.0,"id":1,"method":"ping"}', 'message.not_jsonrpc', '1'],
    ['id null', '{"jsonrpc":"2.0","id":null,"method":"ping"}', 'message.id', undefined],
    ['id 1.5', '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', 'message.id', undefined],
    ['id 1.0', '{"jsonrpc":"2.0","id":1.0,"method":"ping"}', 'message.id', undefined],
    ['id 1e0', '{"jsonrpc":"2.0","id":1e0,"method":"ping"}', 'message.id', undefined],
    ['id -0', '{"jsonrpc":"2.0","id":-0,"method":"ping"}', 'message.id', undefined],
    ['id true', '{"jsonrpc":"2.0","id":true,"method":"ping"}', 'message.id', undefined],
    ['id {}', '{"jsonrpc":"2.0","id":{},"method":"ping"}', 'message.id', undefined],
    ['id []', '{"jsonrpc":"2.0","id":["a"],"method":"ping"}', 'message.id', undefined],
    ['a long id', `{"jsonrpc":"2.0","id":"${'a'.repeat(600)}","method":"ping"}`, 'message.id', undefined],
    ['an unknown top-level key', '{"jsonrpc":"2.0","id":1,"method":"ping","x":1}', 'message.not_jsonrpc', '1'],
    ['a request with a result', '{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}', 'message.not_jsonrpc', '1'],
    ['a request with an error', '{"jsonrpc":"2.0","id":1,"method":"ping","error":{}}', 'message.not_jsonrpc', '1'],
    ['METHOD', '{"jsonrpc":"2.0","id":1,"method":"ping","METHOD":"tools/call"}', 'message.folded_key', '1'],
    ['param\u017f', '{"jsonrpc":"2.0","id":1,"method":"ping","param\u017f":{}}', 'message.folded_key', '1'],
    ['Result', '{"jsonrpc":"2.0","id":1,"Result":{}}', 'message.folded_key', '1'],
    ['a method that is no string', '{"jsonrpc":"2.0","id":1,"method":1}', 'message.not_jsonrpc', '1'],
    ['method null', '{"jsonrpc":"2.0","id":1,"method":null}', 'message.not_jsonrpc', '1'],
    ['an empty method', '{"jsonrpc":"2.0","id":1,"method":""}', 'message.not_jsonrpc', '1'],
    ['params null', '{"jsonrpc":"2.0","id":1,"method":"ping","params":null}', 'message.params', '1'],
    ['params as array', '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', 'message.params', '1'],
    ['params as string', '{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}', 'message.params', '1'],
    ['neither method nor result', '{"jsonrpc":"2.0","id":1}', 'message.not_jsonrpc', '1'],
    ['result and error', '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', 'message.not_jsonrpc', '1'],
    ['a result without id', '{"jsonrpc":"2.0","result":{}}', 'message.id', undefined],
    ['an error with id null', '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}', 'message.id', undefined],
    ['a response with params', '{"jsonrpc":"2.0","id":1,"result":{},"params":{}}', 'message.not_jsonrpc', '1'],
    ['a result that is no object', '{"jsonrpc":"2.0","id":1,"result":1}', 'message.not_jsonrpc', '1'],
    ['an error without code', '{"jsonrpc":"2.0","id":1,"error":{"message":""}}', 'message.not_jsonrpc', '1'],
  ]
  it.each(cases)('%s', (_name, text, reason, id) => {
    expect(read(text)).toMatchObject({ ok: false, reason, id })
  })
})

describe('ids', () => {
  const withId = (id: string) => readJsonRpc(Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`))
  it.each(['9223372036854775807', '-9223372036854775808', '0', '-1'])('%s is one', id => {
    expect(withId(id)).toMatchObject({ ok: true, message: { id } })
  })
  it.each(['9223372036854775808', '18446744073709551615', '-0', '1.0', '1e0'])('%s is none', id => {
    expect(withId(id)).toMatchObject({ ok: false, reason: 'message.id', id: undefined })
  })
})
