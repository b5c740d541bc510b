import { describe, expect, it } from 'vitest'
import { writeJson } from '../write-json.js'
import { jsonObject } from './authzen.fixture.js'
import { mcpParams } from './mcp-params.js'

describe('mcpParams', () => {
  it.each<[string, string, string, string, object | undefined, string]>([
    [
      'a tool, named in both places',
      'tools/call',
      'tool',
      'x',
      { name: 'x', arguments: {} },
      '{"name":"x","arguments":{}}',
    ],
    [
      'a tool, named by the resource',
      'tools/call',
      'tool',
      'x',
      { arguments: { a: 1 } },
      '{"name":"x","arguments":{"a":1}}',
    ],
    ['a prompt', 'prompts/get', 'prompt', 'x', {}, '{"name":"x"}'],
    ['a resource', 'resources/read', 'resource', 'file:///a', {}, '{"uri":"file:///a"}'],
    ['a subscription', 'resources/subscribe', 'resource', 'a:b', { uri: 'a:b' }, '{"uri":"a:b"}'],
    ['a task', 'tasks/get', 'task', 't1', {}, '{"taskId":"t1"}'],
    ['a prompt to complete', 'completion/complete', 'prompt', 'x', {}, '{"ref":{"type":"ref/prompt","name":"x"}}'],
    [
      'a template to complete',
      'completion/complete',
      'resource',
      'a:{b}',
      { ref: { type: 'ref/resource', uri: 'a:{b}' } },
      '{"ref":{"type":"ref/resource","uri":"a:{b}"}}',
    ],
    ['a list', 'tools/list', 'mcp_server', 'https://mcp.example.com', undefined, '{}'],
    ['a list with a cursor', 'tools/list', 'mcp_server', 's', { cursor: 'c' }, '{"cursor":"c"}'],
    ['a method that MCP does not know', 'vendor/open', 'resource', 'a:b', {}, '{"uri":"a:b"}'],
  ])('%s', (_name, method, type, id, params, expected) => {
    const read = mcpParams(method, { type, id }, params && jsonObject(params))
    expect(read).toMatchObject({ ok: true })
    if (read.ok) expect(writeJson(read.params)).toBe(expected)
  })

  it.each<[string, string, string, string, object | undefined, string]>([
    ['arguments left out', 'tools/call', 'tool', 'x', undefined, 'must hold the params'],
    ['what is listened to left out', 'subscriptions/listen', 'mcp_server', 's', undefined, 'must hold the params'],
    ['another tool in the params', 'tools/call', 'tool', 'x', { name: 'y' }, 'name different things'],
    ['a tool whose name is no text', 'tools/call', 'tool', 'x', { name: 1 }, 'name different things'],
    ['another resource in the params', 'resources/read', 'resource', 'a:b', { uri: 'a:c' }, 'name different things'],
    ['a tool as a prompt', 'tools/call', 'prompt', 'x', { name: 'x' }, 'must be of the type tool'],
    ['a tool as the server', 'tools/call', 'mcp_server', 's', { name: 'x' }, 'must be of the type tool'],
    ['a list of a tool', 'tools/list', 'tool', 'x', {}, 'must be of the type mcp_server'],
    ['a type of an application', 'tools/call', 'customer', 'c1', {}, 'resource.type must be one of'],
    [
      'a prompt to complete as a resource',
      'completion/complete',
      'resource',
      'x',
      { ref: { type: 'ref/prompt', name: 'x' } },
      'different things',
    ],
    ['nothing that can be completed', 'completion/complete', 'prompt', 'x', { ref: 'x' }, 'different things'],
    ['something to complete that is a tool', 'completion/complete', 'tool', 'x', {}, 'prompt or resource'],
  ])('refuses %s', (_name, method, type, id, params, expected) => {
    const read = mcpParams(method, { type, id }, params && jsonObject(params))
    expect(read).toMatchObject({ ok: false, message: expect.stringContaining(expected) })
  })
})
