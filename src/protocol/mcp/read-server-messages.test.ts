import { describe, expect, it } from 'vitest'
import { maxResponseBatch, readServerMessages, sameId } from './read-server-messages.js'

const read = (text: string) => readServerMessages(Buffer.from(text))

describe('the messages of a server', () => {
  it.each<[string, string, readonly object[]]>([
    ['a result', '{"jsonrpc":"2.0","id":7,"result":{}}', [{ id: '7', hasMethod: false, error: undefined }]],
    ['an error', '{"jsonrpc":"2.0","id":"a","error":{"code":1,"message":""}}', [{ id: '"a"', result: undefined }]],
    ['an error without an id', '{"jsonrpc":"2.0","id":null,"error":{}}', [{ id: 'null' }]],
    ['an id beyond 2^53, as it was written', '{"id":9007199254740993,"result":{}}', [{ id: '9007199254740993' }]],
    ['an id in escapes, as it was written', '{"id":"\\u0061","result":{}}', [{ id: '"\\u0061"' }]],
    ['a notification', '{"jsonrpc":"2.0","method":"notifications/message","params":{}}', [{ hasMethod: true }]],
    ['a batch', '[{"id":1,"result":{}},{"id":2,"result":{}},3]', [{ id: '1' }, { id: '2' }]],
    ['a mixed message, with all of its parts', '{"id":1,"result":{},"error":null}', [{ result: 4, error: 6 }]],
    ['no message', '{"error":"not found"}', [{ id: undefined }]],
    ['no object', '"ok"', []],
    ['an empty batch', '[]', []],
    ['a repeated key that means nothing', '{"id":1,"x":1,"x":2,"result":{}}', [{ id: '1' }]],
  ])('%s', (_name, text, expected) => {
    const messages = read(text)
    expect(messages).toMatchObject({ ok: true, messages: expected })
  })

  it.each<[string, string, string]>([
    ['not JSON', '{"id":1', 'response.not_json'],
    ['two texts', '{"id":1,"result":{}}{"id":1,"result":{}}', 'response.not_json'],
    ['two results', '{"id":1,"result":{},"result":{}}', 'response.duplicate_key'],
    ['two results, one in escapes', '{"id":1,"result":{},"r\\u0065sult":{}}', 'response.duplicate_key'],
    ['two ids', '{"id":1,"id":2,"result":{}}', 'response.duplicate_key'],
    ['another case', '{"id":1,"Result":{}}', 'response.folded_key'],
    ['a letter that folds', '{"id":1,"re\u017fult":{}}', 'response.folded_key'],
    ['__proto__', '{"id":1,"__proto__":{"result":{}}}', 'response.forbidden_key'],
    ['__proto__ in escapes', '{"id":1,"\\u005f_proto__":{"result":{}}}', 'response.forbidden_key'],
    ['a NUL in a key', '{"id":1,"result\\u0000":{}}', 'response.forbidden_key'],
    ['an id that is no id', '{"id":{},"result":{}}', 'response.id'],
    ['a bad message in a batch', '[{"id":1,"result":{}},{"id":2,"result":{},"result":{}}]', 'response.duplicate_key'],
    [
      'a batch without end',
      `[${Array(maxResponseBatch + 1)
        .fill('{}')
        .join()}]`,
      'response.batch',
    ],
  ])('are refused: %s', (_name, text, reason) => {
    const failure = read(text)
    expect(failure).toMatchObject({ ok: false, reason })
    if (!failure.ok) expect(failure.message).toMatch(/^[\x20-\x7e]+$/)
  })
})

it.each<[string, string, boolean]>([
  ['1', '1', true],
  ['"a"', '"\\u0061"', true],
  ['"a\\/b"', '"a/b"', true],
  ['1', '1.0', true],
  ['9007199254740993', '9007199254740992', true],
  ['1', '"1"', false],
  ['1', '2', false],
  ['1', 'null', false],
  ['null', 'null', true],
  ['1', 'x', false],
])('the ids %s and %s: one and the same is %s', (request, answer, same) => expect(sameId(request, answer)).toBe(same))
