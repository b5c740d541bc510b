import { describe, expect, it } from 'vitest'
import { isJsonContentType, parseContentType } from './content-type.js'

describe('isJsonContentType', () => {
  const cases: [value: string, good: boolean][] = [
    ['application/json', true],
    ['Application/JSON', true],
    [' application/json ', true],
    ['application/json;charset=utf-8', true],
    ['application/json ; charset="UTF-8"', true],
    ['application/json; charset="ut\\f-8"', true],
    ['application/json; profile=x', true],
    ['application/json; charset=utf-16le', false],
    ['application/json; charset=gbk', false],
    ['application/json; charset=utf8', false],
    ['application/json; charset=utf-8; charset=utf-16', false],
    ['application/json; charset', false],
    ['application/json; charset=', false],
    ['application/json;', false],
    ['application/json; charset="utf-8', false],
    ['application/json; charset="utf-8"x', false],
    ['application/json,text/plain', false],
    ['application/json, application/json', false],
    ['application/jsonx', false],
    ['application/json5', false],
    ['application/problem+json', false],
    ['text/json', false],
    ['text/plain; application/json', false],
    ['application /json', false],
    ['application/json charset=utf-8', false],
    ['application/json\u0000', false],
    ['application/grpc', false],
    ['/json', false],
    ['application/', false],
    ['', false],
    [`application/json; x=${'a'.repeat(300)}`, false],
  ]
  it.each(cases)('%j: %s', (value, good) => {
    expect(isJsonContentType(value)).toBe(good)
  })
})

it('parseContentType gives names in lower case and values as they are', () => {
  expect(parseContentType('Text/HTML; Charset="a;b\\"c"; x=Y')).toEqual({
    essence: 'text/html',
    parameters: new Map([
      ['charset', 'a;b"c'],
      ['x', 'Y'],
    ]),
  })
})
