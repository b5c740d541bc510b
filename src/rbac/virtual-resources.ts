import type { Call, Target } from '../protocol/call.js'
import type { ResourceAttributes } from './operation.js'

/** API group of the resources that stand for tools, prompts and resources of MCP servers; none of them is ever stored. */
const virtualGroup = 'mcp-authz.dev'

/** A Server document as RBAC sees it: `namespace` is that of its virtual resources. */
export interface VirtualServer {
  readonly name: string
  readonly namespace: string
}

/** One question to RBAC that any of its alternatives answers; the first is the finer one. */
export interface VirtualOperations {
  readonly anyOf: readonly [ResourceAttributes, ...ResourceAttributes[]]
}

const listed: ReadonlyMap<string, string> = new Map([
  ['tools/list', 'tools'],
  ['prompts/list', 'prompts'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resources'],
])

/** Methods that are about a target: without one they are malformed, and never the base protocol. */
const needTarget: ReadonlySet<string> = new Set([
  'tools/call',
  'prompts/get',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'resources/directory/read',
  'completion/complete',
])

/**
 * What a call asks of RBAC in terms of virtual resources: every element must be allowed by one of its alternatives.
 * Empty: nothing virtual stands for the call (tasks), so nothing can allow it. The first dot of a name ends the server,
 * whose own name therefore is a DNS label; what a client chose is only ever part of `name`, never of `resource`, because
 * RBAC would read a slash there as the start of a subresource.
 */
export function virtualOperations(server: VirtualServer, call: Call): readonly VirtualOperations[] {
  const targets = [call.target, ...call.alsoTargets].filter(target => target.kind !== 'none')
  const questions = targets.map(target => questionFor(server, target))
  if (questions.includes(undefined)) return []
  const known = questions.filter(question => question !== undefined)
  if (known.length > 0) return known
  if (needTarget.has(call.method) || call.method.startsWith('tasks/')) return []
  const list = call.protocol === 'mcp' && call.kind === 'request' ? listed.get(call.method) : undefined
  const verb = list === undefined ? 'connect' : 'list'
  return [{ anyOf: [virtual(server, verb, 'servers', list ?? '', server.name)] }]
}

function questionFor(server: VirtualServer, target: Exclude<Target, { kind: 'none' }>): VirtualOperations | undefined {
  const either = (verb: string, resource: string): VirtualOperations => ({
    anyOf: [
      virtual(server, verb, resource, '', `${server.name}.${target.name}`),
      virtual(server, verb, 'servers', resource, server.name),
    ],
  })
  switch (target.kind) {
    case 'tool':
      return either('call', 'tools')
    case 'prompt':
      return either('get', 'prompts')
    case 'resource':
      return either('read', 'resources')
    case 'task':
      return undefined
  }
}

function virtual(
  server: VirtualServer,
  verb: string,
  resource: string,
  subresource: string,
  name: string,
): ResourceAttributes {
  return { verb, group: virtualGroup, resource, subresource, namespace: server.namespace, name }
}
