import type { Era, Target } from '../call.js'

/** `toServer`: clients send it. `toClient`: only servers do, so a client that POSTs it is refused. `both`: either may. */
export type Direction = 'toServer' | 'toClient' | 'both'

/** Where the thing that a method touches is named, as a path of keys in params. */
export type TargetField =
  | { readonly kind: Exclude<Target['kind'], 'none'>; readonly field: 'name' | 'uri' | 'taskId' }
  /** completion/complete: a prompt or a resource template. */
  | { readonly kind: 'ref' }
  /** subscriptions/listen: any number of uris and task ids. */
  | { readonly kind: 'subscriptions' }

export interface McpMethod {
  readonly name: string
  readonly eras: readonly Era[]
  readonly direction: Direction
  readonly kind: 'request' | 'notification'
  readonly target: TargetField | undefined
  /** The header `Mcp-Name` mirrors the target field (SEP-2243; tasks: SEP-2663). */
  readonly nameHeader: boolean
  /** Takes `arguments`: an object, or absent. */
  readonly takesArguments: boolean
  /** `default`: judged by policy as it is. `enabled`: first the Server must list it under `methods`. */
  readonly needs: 'default' | 'enabled'
}

type Extras = Partial<Pick<McpMethod, 'target' | 'nameHeader' | 'takesArguments' | 'needs' | 'direction'>>

const all = ['legacy', 'modern'] as const
const legacy = ['legacy'] as const
const modern = ['modern'] as const
const tool = { kind: 'tool', field: 'name' } as const
const prompt = { kind: 'prompt', field: 'name' } as const
const resource = { kind: 'resource', field: 'uri' } as const
const task = { kind: 'task', field: 'taskId' } as const
const toClient = { direction: 'toClient' } as const

function request(name: string, eras: readonly Era[], extras: Extras = {}): McpMethod {
  return { ...plain, name, eras, kind: 'request', ...extras }
}
function notification(name: string, eras: readonly Era[], extras: Extras = {}): McpMethod {
  return { ...plain, name, eras, kind: 'notification', ...extras }
}
const plain = {
  direction: 'toServer',
  target: undefined,
  nameHeader: false,
  takesArguments: false,
  needs: 'default',
} as const

/**
 * Every method of MCP from 2024-11-05 to 2026-07-28, with the extensions for tasks and skills. Closed: what is not here
 * and not enabled by the Server is refused. Tasks need enabling because a task id does not tell its owner
 * (CVE-2026-52870).
 */
const methods: readonly McpMethod[] = [
  request('initialize', legacy),
  notification('notifications/initialized', legacy),
  request('server/discover', modern),
  request('ping', legacy, { direction: 'both' }),

  request('tools/list', all),
  request('prompts/list', all),
  request('resources/list', all),
  request('resources/templates/list', all),

  request('tools/call', all, { target: tool, nameHeader: true, takesArguments: true }),
  request('prompts/get', all, { target: prompt, nameHeader: true, takesArguments: true }),
  request('resources/read', all, { target: resource, nameHeader: true }),
  request('resources/subscribe', legacy, { target: resource }),
  request('resources/unsubscribe', legacy, { target: resource }),
  request('subscriptions/listen', modern, { target: { kind: 'subscriptions' } }),
  request('completion/complete', all, { target: { kind: 'ref' } }),
  request('logging/setLevel', legacy),

  request('resources/directory/read', all, { target: resource, needs: 'enabled' }),
  request('tasks/get', all, { target: task, nameHeader: true, needs: 'enabled' }),
  request('tasks/cancel', all, { target: task, nameHeader: true, needs: 'enabled' }),
  request('tasks/update', modern, { target: task, nameHeader: true, needs: 'enabled' }),
  request('tasks/result', legacy, { target: task, needs: 'enabled' }),
  request('tasks/list', legacy, { needs: 'enabled' }),

  notification('notifications/cancelled', legacy, { direction: 'both' }),
  notification('notifications/progress', legacy, { direction: 'both' }),
  notification('notifications/roots/list_changed', legacy),
  notification('notifications/tasks/status', legacy, { direction: 'both' }),
  notification('notifications/elicitation/complete', legacy, { direction: 'both' }),

  request('roots/list', legacy, toClient),
  request('sampling/createMessage', legacy, toClient),
  request('elicitation/create', legacy, toClient),
  notification('notifications/message', all, toClient),
  notification('notifications/tools/list_changed', all, toClient),
  notification('notifications/prompts/list_changed', all, toClient),
  notification('notifications/resources/list_changed', all, toClient),
  notification('notifications/resources/updated', all, toClient),
  notification('notifications/subscriptions/acknowledged', modern, toClient),
  notification('notifications/tasks', modern, toClient),
]

export const methodTable: ReadonlyMap<string, McpMethod> = new Map(methods.map(method => [method.name, method]))

/** True if a Server lists the method, by name or as `family/*`, e.g. `tasks/*` for `tasks/get`. */
export function isEnabled(method: string, enabled: ReadonlySet<string>): boolean {
  if (enabled.size === 0) return false
  if (enabled.has(method)) return true
  const slash = method.lastIndexOf('/')
  return slash > 0 && enabled.has(`${method.slice(0, slash)}/*`)
}
