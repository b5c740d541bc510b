import { describe, expect, it } from 'vitest'
import type { Call, Target } from '../protocol/call.js'
import { virtualOperations } from './virtual-resources.js'

const server = { name: 'files', namespace: 'mcp-authz' }
const call = (method: string, parts: Partial<Call> = {}): Call => ({
  protocol: 'mcp',
  kind: 'request',
  era: 'legacy',
  version: '2025-11-25',
  id: '1',
  method,
  target: { kind: 'none' },
  alsoTargets: [],
  params: undefined,
  arguments: undefined,
  sessionId: undefined,
  ...parts,
})
const on = (kind: 'tool' | 'prompt' | 'resource' | 'task', name: string): { target: Target } => ({
  target: { kind, name },
})
const brief = (asked: Call): readonly string[] =>
  virtualOperations(server, asked).map(({ anyOf }) =>
    anyOf
      .map(one => {
        expect([one.group, one.namespace]).toEqual(['mcp-authz.dev', 'mcp-authz'])
        return `${one.verb} ${one.resource}${one.subresource && `/${one.subresource}`} ${one.name}`
      })
      .join(' | '),
  )

describe('virtualOperations', () => {
  const uri = (name: string): Target => ({ kind: 'resource', name })
  const cases: readonly (readonly [string, Call, readonly string[]])[] = [
    ['a tool', call('tools/call', on('tool', 'read')), ['call tools files.read | call servers/tools files']],
    [
      'a tool with dots and slashes',
      call('tools/call', on('tool', 'a.b/c')),
      ['call tools files.a.b/c | call servers/tools files'],
    ],
    ['a prompt', call('prompts/get', on('prompt', 'p')), ['get prompts files.p | get servers/prompts files']],
    [
      'a resource',
      call('resources/read', on('resource', 'file:///a')),
      ['read resources files.file:///a | read servers/resources files'],
    ],
    [
      'a subscription',
      call('resources/subscribe', on('resource', 'x:y')),
      ['read resources files.x:y | read servers/resources files'],
    ],
    [
      'completion of a prompt',
      call('completion/complete', on('prompt', 'p')),
      ['get prompts files.p | get servers/prompts files'],
    ],
    [
      'completion of a resource',
      call('completion/complete', on('resource', 'x:{y}')),
      ['read resources files.x:{y} | read servers/resources files'],
    ],
    [
      'every uri that is listened to',
      call('subscriptions/listen', { alsoTargets: [uri('x:1'), uri('x:2')] }),
      [
        'read resources files.x:1 | read servers/resources files',
        'read resources files.x:2 | read servers/resources files',
      ],
    ],
    [
      'listening to a task',
      call('subscriptions/listen', { alsoTargets: [uri('x:1'), { kind: 'task', name: 't' }] }),
      [],
    ],
    ['listening to nothing by name', call('subscriptions/listen'), ['connect servers files']],
    ['tools/list', call('tools/list'), ['list servers/tools files']],
    ['prompts/list', call('prompts/list'), ['list servers/prompts files']],
    ['resources/list', call('resources/list'), ['list servers/resources files']],
    ['resources/templates/list', call('resources/templates/list'), ['list servers/resources files']],
    ['initialize', call('initialize'), ['connect servers files']],
    ['a notification', call('notifications/initialized', { kind: 'notification' }), ['connect servers files']],
    ['a response', call('', { kind: 'response' }), ['connect servers files']],
    ['the stream', call('', { kind: 'stream' }), ['connect servers files']],
    ['the end of a session', call('', { kind: 'close' }), ['connect servers files']],
    ['any JSON', call('tools/list', { protocol: 'json' }), ['connect servers files']],
    ['a task', call('tasks/get', on('task', 't')), []],
    ['all tasks', call('tasks/list'), []],
    ['a tool call without tool', call('tools/call'), []],
  ]
  it.each(cases)('%s', (_name, asked, expected) => expect(brief(asked)).toEqual(expected))
})
