import type { Who } from './people.js'

/** A list of a server, and what of it a caller sees. */
export interface ListCase {
  readonly name: string
  readonly who: Who
  readonly server?: string
  readonly method: 'tools/list' | 'prompts/list' | 'resources/list' | 'resources/templates/list'
  readonly items: readonly string[]
  readonly shown: readonly string[]
}

const tools = ['echo', 'scale', 'wipe', 'odd', 'noisy', 'sign', 'secret', 'melt'] as const
const staff = ['echo', 'scale', 'odd', 'noisy'] as const

export const lists: readonly ListCase[] = [
  { name: 'tools of a person', who: 'alice', method: 'tools/list', items: tools, shown: staff },
  {
    ...{ name: 'tools of a person in two groups', who: 'alice in two groups', method: 'tools/list' },
    ...{ items: tools, shown: ['echo', 'scale', 'wipe', 'odd', 'noisy'] },
  },
  {
    ...{ name: 'tools with a scope', who: 'alice with a scope', method: 'tools/list', items: tools },
    shown: [...staff, 'sign'],
  },
  { name: 'tools of somebody who was given none', who: 'bob', method: 'tools/list', items: tools, shown: [] },
  {
    ...{ name: 'tools of an agent', who: 'alice through an agent', method: 'tools/list', items: tools, shown: staff },
  },
  {
    ...{ name: 'tools of a stranger', who: 'nobody', server: 'public', method: 'tools/list' },
    ...{ items: tools, shown: ['echo'] },
  },
  {
    ...{ name: 'tools by RBAC on tools', who: 'alice', server: 'virtual', method: 'tools/list' },
    ...{ items: tools, shown: ['echo'] },
  },
  {
    ...{ name: 'tools by RBAC on what they do', who: 'alice', server: 'kubernetes', method: 'tools/list' },
    items: ['pods_list', 'pods_list_in_namespace', 'pods_get', 'pods_delete', 'configuration_view'],
    shown: ['pods_list_in_namespace', 'pods_get'],
  },
  {
    ...{ name: 'tools of a Server in Audit', who: 'bob', server: 'audited', method: 'tools/list' },
    ...{ items: tools, shown: tools },
  },
  {
    ...{ name: 'resources', who: 'alice', method: 'resources/list' },
    items: ['file:///shared/a', 'file:///etc/passwd', 'https://example.com'],
    shown: ['file:///shared/a'],
  },
  { name: 'prompts', who: 'alice', method: 'prompts/list', items: ['greet'], shown: [] },
]

const members = {
  'tools/list': ['tools', 'name'],
  'prompts/list': ['prompts', 'name'],
  'resources/list': ['resources', 'uri'],
  'resources/templates/list': ['resourceTemplates', 'uriTemplate'],
} as const

export function listMember({ method }: ListCase): string {
  return members[method][0]
}

/** The result of a server. */
export function listResult({ method, items }: ListCase): Record<string, unknown> {
  const [member, key] = members[method]
  return {
    [member]: items.map(item => ({ [key]: item, ...(member === 'tools' && { inputSchema: { type: 'object' } }) })),
  }
}

export function namesIn(one: ListCase, result: unknown): readonly string[] {
  const [member, key] = members[one.method]
  const items = isObject(result) ? result[member] : undefined
  if (!Array.isArray(items)) throw new Error(`no ${member} in ${JSON.stringify(result)}`)
  return items.map(item => String(item[key]))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
