import { describe, expect, it } from 'vitest'
import { readExplainRequest } from './read-explain-request.js'

const read = (body: unknown) => readExplainRequest(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)))

describe('readExplainRequest', () => {
  it('reads all there is', () => {
    const claims = '{"n":9007199254740993}'
    const body = `{"server":"files","method":"resources/read","params":{"uri":"a"},"as":"alice","groups":["dev"],"agent":"acme:a:b","scopes":["s"],"tenant":"t","claims":${claims},"headers":{"X-A":"b"}}`
    expect(read(body)).toEqual({
      ok: true,
      request: {
        server: 'files',
        asked: { kind: 'method', method: 'resources/read', params: '{"uri":"a"}' },
        as: {
          ...{ user: 'alice', groups: ['dev'], scopes: ['s'], tenant: 't' },
          agent: { issuer: 'acme', id: 'a:b' },
          claims: new Map([['n', 9007199254740993n]]),
        },
        headers: [['x-a', 'b']],
      },
    })
  })

  it.each<[string, unknown, string]>([
    ['no object', '[]', 'must be a JSON object'],
    ['no JSON', 'x', 'not JSON'],
    ['nothing to judge', { server: 'a' }, 'give one of tool and method'],
    ['both', { tool: 'a', method: 'b' }, 'give one of tool and method'],
    ['a member that is misspelt', { tool: 'a', arg: {} }, 'did you mean args'],
    ['a member of its own', { tool: 'a', '<script>': 1 }, 'there are server, tool'],
    ['params of a tool', { tool: 'a', params: {} }, 'params go with method'],
    ['arguments of a method', { method: 'a', args: {} }, 'args go with tool'],
    ['arguments that are a text', { tool: 'a', args: '{}' }, 'args is an object'],
    ['a tool without a name', { tool: '' }, 'tool is a text'],
    ['a tool that is a number', { tool: 1 }, 'tool is a text'],
    ['a long name', { tool: 'a'.repeat(5000) }, 'tool is a text'],
    ['groups of nobody', { tool: 'a', groups: [] }, 'groups needs as'],
    ['groups that are a text', { tool: 'a', as: 'a', groups: 'dev' }, 'groups is a list of texts'],
    ['groups that are numbers', { tool: 'a', as: 'a', groups: [1] }, 'groups is a list of texts'],
    ['an agent without an issuer', { tool: 'a', as: 'a', agent: 'bot' }, 'agent is ALIAS:ID'],
    ['an agent without an id', { tool: 'a', as: 'a', agent: 'acme:' }, 'agent is ALIAS:ID'],
    ['claims that are a list', { tool: 'a', as: 'a', claims: [] }, 'claims is an object'],
    ['a header on two lines', { tool: 'a', headers: { a: 'b\r\nc: d' } }, 'headers is an object'],
    ['a header that is no name', { tool: 'a', headers: { 'a b': 'c' } }, 'headers is an object'],
  ])('refuses %s', (_name, body, message) => {
    expect(read(body)).toEqual({ ok: false, message: expect.stringContaining(message) })
  })

  it('repeats nothing that was sent', () => {
    const refused = read({ tool: 'a', '<script>alert(1)</script>': 1 })
    expect(JSON.stringify(refused)).not.toContain('script')
  })
})
