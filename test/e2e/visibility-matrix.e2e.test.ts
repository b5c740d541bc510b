import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectV1 } from '../../src/demo/clients.js'
import { rawPost } from '../../src/demo/raw-post.js'
import { packageRoot } from '../../src/package-root.js'
import { eventually } from './support/eventually.js'
import { request } from './support/messages.js'
import { demoPolicies } from './support/policy-directory.js'
import { type Stand, startStand } from './support/stand.js'
import { switchPolicies } from './support/switch-policies.js'
import {
  type Listed,
  type ListingClient,
  nodeClients,
  type PythonClients,
  startPythonClients,
} from './visibility-matrix/listing-clients.js'
import { createOracle, type SwitchedOracle } from './visibility-matrix/oracle.js'
import {
  formatPages,
  type Pages,
  type PagingServer,
  pagesHeader,
  prompts,
  resources,
  startPagingServer,
  templates,
} from './visibility-matrix/paging-server.js'
import { idpOptions, people, signInAs } from './visibility-matrix/people.js'
import { type PolicySet, policySets } from './visibility-matrix/policy-sets.js'
import { type Args, callsOf, catalog, kubernetesCalls, tools } from './visibility-matrix/tools.js'

/**
 * What each of three people is shown, through the real gateway and with unmodified clients, against what they can do: found
 * out by trying. MATRIX=full takes every client with every form of every list.
 */

const full = process.env.MATRIX === 'full'
const clientNames = [...Object.keys(nodeClients), 'Python SDK, legacy', 'Python SDK, modern']
const forms: readonly Pages[] = [
  { count: 1, pageSize: 20, stream: false },
  { count: 50, pageSize: 20, stream: false },
  { count: 2000, pageSize: 300, stream: false },
]

interface Combination extends Pages {
  readonly client: string
}

/** All of them; or, in turn, three clients with a short list and one each with a single tool and with 2,000. */
function combinationsOf(turn: number): readonly Combination[] {
  const every = clientNames.flatMap((client, index) => {
    const place = (index + turn) % clientNames.length
    const taken = (count: number) => (count === 50 ? place < 3 : place === (count === 1 ? 3 : 4))
    return forms
      .filter(({ count }) => full || taken(count))
      .flatMap(form =>
        [false, true]
          .filter(stream => full || stream === ((index + turn) % 2 === 0))
          .map(stream => ({ ...form, client, stream })),
      )
  })
  // The longest list in one piece as well, somewhere.
  return turn % 5 === 0 ? every.map(one => (one.count === 2000 ? { ...one, pageSize: 2000 } : one)) : every
}

const demo = await demoPolicies()
const sets = policySets(demo)
const kubernetes = kubernetesCalls(
  await readFile(join(packageRoot, 'policies/catalogs/kubernetes-mcp-server.yaml'), 'utf8'),
)
/** Those of the catalogue, in between names that nobody knows. */
const kubernetesTools = [
  ...[...kubernetes.keys()].flatMap((name, index) => [name, `unheard_of_${index}`]),
  ...tools,
].slice(0, 2000)

let server: PagingServer
let stand: Stand
let python: PythonClients
let oracle: SwitchedOracle
const tokens = new Map<string, string>()
beforeAll(async () => {
  server = await startPagingServer()
  stand = await startStand({
    startServer: async () => server,
    responseDoor: { keys: [randomBytes(32).toString('base64')] },
    idp: idpOptions,
    policies: {
      'identity.yaml': demo['identity.yaml'] ?? '',
      'catalog.yaml': catalog,
      'set.yaml': sets.at(-1)?.text ?? '',
    },
  })
  python = await startPythonClients()
  for (const person of people) tokens.set(person.name, await signInAs(stand.idp, stand.url, person))
  oracle = createOracle({
    files: { 'identity.yaml': demo['identity.yaml'] ?? '', 'catalog.yaml': catalog },
    place: { issuer: stand.idp.issuer, resource: stand.url },
    tokens: [...tokens.values()],
  })
})
afterAll(async () => {
  python?.stop()
  oracle?.stop()
  await stand?.stop()
})

const tokenOf = (person: string): string => tokens.get(person) ?? ''

function clientOf(name: string): ListingClient {
  if (name === 'Python SDK, legacy') return python.client('legacy')
  if (name === 'Python SDK, modern') return python.client('auto')
  const client = nodeClients[name]
  if (client === undefined) throw new Error(`no client ${name}`)
  return client
}

interface Can {
  /** Whether they may connect and list at all. */
  readonly list: (method: string) => boolean
  readonly call: (tool: string) => boolean
  readonly get: (prompt: string) => boolean
  readonly read: (uri: string) => boolean
}

let inForce: PolicySet | undefined
/** Switches to the set. */
async function takeSet(set: PolicySet): Promise<void> {
  if (inForce === set) return
  inForce = set
  server.tools = (set.catalog === undefined ? tools : kubernetesTools).map(name => (set.prefix ?? '') + name)
  const probe = () => rawPost({ url: stand.url, token: tokenOf('alice'), body: request('tools/list', {}) })
  await switchPolicies(stand, 'set.yaml', set.text, probe)
  await oracle.take(set.text)
}

/** What the person can do under the set in force. */
function abilitiesOf(set: PolicySet, person: string): Can {
  const candidates = (name: string): readonly Args[] =>
    set.catalog === undefined
      ? callsOf(name.slice((set.prefix ?? '').length), set.extras)
      : (kubernetes.get(name) ?? [{}, { namespace: 'team-a' }])
  const known = new Map<string, boolean>()
  const any = (method: string, name: string, params: Iterable<object>): boolean => {
    const key = `${method} ${name}`
    const before = known.get(key)
    if (before !== undefined) return before
    const now = oracle.any(tokenOf(person), method, params)
    known.set(key, now)
    return now
  }
  const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'm', version: '1' } }
  return {
    list: method => any('initialize', '', [hello]) && any(method, '', [{}]),
    call(name) {
      const params = candidates(name).map(args => ({ name, arguments: args }))
      const callable = any('tools/call', name, params)
      if (!set.excluded?.(name, person)) return callable
      expect(callable, name).toBe(false)
      return true
    },
    get: name => any('prompts/get', name, [{ name }, { name, arguments: { x: '1' } }]),
    read: uri => any('resources/read', uri, [{ uri }]),
  }
}

/** What a client gets to see of a list in pages. */
function expectedOf(set: PolicySet, person: string, { call }: Can, { count, pageSize }: Pages): readonly string[] {
  const listed = server.tools.slice(0, count)
  const budget = set.budget?.(person)
  if (budget === undefined) return listed.filter(call)
  const { maxTools, first } = budget
  const rank = (name: string) => {
    const found = first.findIndex(pattern => pattern.test(name))
    return found < 0 ? first.length : found
  }
  const within = (names: readonly string[]): ReadonlySet<string> =>
    new Set(names.toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1)).slice(0, maxTools))
  const ofAll = within(server.tools.filter(call))
  const seen: string[] = []
  for (let from = 0; from < count; from += pageSize) {
    const page = listed.slice(from, from + pageSize).filter(call)
    // Of a list in pages, all that the catalogue has is counted.
    const kept = count > pageSize ? ofAll : within(page)
    seen.push(...page.filter(name => kept.has(name)))
  }
  return seen
}

/** Of each set, how many of the 2,000 tools each person can use. */
const tally = new Map<string, number[]>()

describe.each(sets.map((set, index) => ({ set, index })))('under the policies of: $set.name', ({ set, index }) => {
  beforeAll(() => takeSet(set))

  it.each(people.map((person, at) => ({ person: person.name, turn: index + at })))(
    '$person sees what they can use, and nothing else',
    async ({ person, turn }) => {
      const can = abilitiesOf(set, person)
      const seen = async ({ client, ...pages }: Combination): Promise<Listed> => {
        const headers = { [pagesHeader]: formatPages(pages) }
        return clientOf(client)({ url: stand.url, token: tokenOf(person), headers, kinds: ['tools'] })
      }
      const wrong: object[] = []
      for (const combination of combinationsOf(turn)) {
        const { tools: shown, refused } = await seen(combination)
        if (!can.list('tools/list')) {
          expect(refused, JSON.stringify(combination)).toBeDefined()
          continue
        }
        expect(refused, JSON.stringify(combination)).toBeUndefined()
        const expected = expectedOf(set, person, can, combination)
        const missing = expected.filter(name => !shown?.includes(name))
        const more = shown?.filter(name => !expected.includes(name)) ?? []
        if (missing.length > 0 || more.length > 0)
          wrong.push({ ...combination, missing: missing.slice(0, 30), more: more.slice(0, 30) })
        else expect(shown).toEqual(expected)
      }
      expect(wrong).toEqual([])
      const usable = can.list('tools/list') ? server.tools.filter(can.call).length : 0
      tally.set(set.name, [...(tally.get(set.name) ?? []), usable])
    },
    full ? 600_000 : 120_000,
  )
})

it('the policies tell people and tools apart', () => {
  for (const [name, counts] of tally) {
    if (name === 'a Server in Audit') expect(counts).toEqual([2000, 2000, 2000])
    else expect(new Set(counts).size, `${name}: ${counts}`).toBeGreaterThan(1)
    expect(Math.max(...counts), name).toBeGreaterThan(0)
  }
  if (full) console.info(Object.fromEntries(tally))
})

const setOf = (name: string): PolicySet => {
  const found = sets.find(set => set.name === name)
  if (found === undefined) throw new Error(`no set ${name}`)
  return found
}

describe('beside tools', () => {
  const set = setOf('grants by group and pattern')
  beforeAll(() => takeSet(set))

  const uris = ['open/1', 'open/keys/1', 'closed/1', 'closed/2'].map(rest => `demo://${rest}`)
  /** What may come of a template: every uri that begins like it. */
  const expansionsOf = (template: string) => uris.filter(uri => uri.startsWith(template.replace(/\{.*$/, '')))

  it.each(
    people.flatMap(({ name }) =>
      clientNames.map((client, index) => ({ person: name, client, stream: index % 2 === 0 })),
    ),
  )('$person sees prompts, resources and templates with $client', async ({ person, client, stream }) => {
    const { get, read } = abilitiesOf(set, person)
    const headers = { [pagesHeader]: formatPages({ count: 1, pageSize: 2, stream }) }
    const kinds = ['prompts', 'resources', 'resourceTemplates'] as const
    const seen = await clientOf(client)({ url: stand.url, token: tokenOf(person), headers, kinds })
    expect(seen).toEqual({
      prompts: prompts.filter(get),
      resources: resources.filter(read),
      resourceTemplates: templates.filter(template => expansionsOf(template).some(read)),
    })
  })
})

describe('in a session that goes on', () => {
  it('the next list follows new policies, and what the server tells of lists arrives', async () => {
    const [before, after] = [setOf('grants by group and pattern'), setOf('guardrails')]
    await takeSet(before)
    const pages = { count: 50, pageSize: 20, stream: true }
    const headers = { [pagesHeader]: formatPages(pages) }
    const client = await connectV1({ url: stand.url, token: tokenOf('alice'), headers })
    try {
      let told = 0
      client.sdk.setNotificationHandler(ToolListChangedNotificationSchema, () => {
        told++
      })
      expect(await client.listTools()).toEqual(expectedOf(before, 'alice', abilitiesOf(before, 'alice'), pages))
      await takeSet(after)
      const now = expectedOf(after, 'alice', abilitiesOf(after, 'alice'), pages)
      expect(await client.listTools()).toEqual(now)
      await eventually('the notification', () => {
        server.notify('notifications/tools/list_changed')
        return told > 0
      })
    } finally {
      await client.close()
    }
  })
})

it('nobody complained', () => {
  expect(stand.envoy.child.lines.filter(line => /\[(?:warning|error|critical)\]/.test(line))).toEqual([])
  expect(stand.authz.logs.filter(({ level }) => level === 'error')).toEqual([])
})
