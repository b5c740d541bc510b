import { type Choice, choice, type Dimension, dimension, nothing } from './dimension.js'
import { withValue } from './draft.js'
import type { Hints, Path, Plain } from './expression-hints.js'
import type { NamedAgent, Vocabulary } from './vocabulary.js'

/** A name that no policy has. */
const nobodys = 'x-nobody-has-this'
const mostClaims = 12
const mostScopes = 12

/** Who could ask: all that the policies mention, and somebody whom they do not. */
export function whoDimensions(
  { users, groups, agents, workloads, scopes }: Vocabulary,
  hints: Hints,
  anonymous: boolean,
): readonly Dimension[] {
  const texts = (...path: Path) => hints.at(...path).filter(value => typeof value === 'string')
  const allUsers = unique([...users, ...texts('user', 'username')])
  const allGroups = unique([...groups, ...texts('user', 'groups', '*'), ...texts('user', 'groups')]).filter(
    name => !name.startsWith('system:'),
  )
  const allScopes = unique([...scopes, ...texts('scopes', '*'), ...texts('scopes')]).slice(0, mostScopes)
  const inGroup = (name: string) => choice(`Group ${name}`, name, draft => void draft.groups.add(name))
  const groupPaths = ['user.groups.*', 'user.groups']
  const several = allGroups.length > 1
  const dimensions: Dimension[] = [
    who(
      'user',
      ['user.username'],
      [
        nothing,
        ...allUsers.map(name => choice(`User ${name}`, name, draft => void Object.assign(draft, { user: name }))),
      ],
    ),
    who('group', several ? [] : groupPaths, [nothing, ...allGroups.map(inGroup)]),
    dimension('agent', [nothing, ...agentChoices(agents, hints)], {
      ...{ who: true, opens: agents.length > 0 },
      read: ['agent.id', 'agent.issuer', 'agent.assurance', 'principal.throughAgent', 'actors'],
    }),
    who('scopes', ['scopes', 'scopes.*'], [nothing, ...scopeChoices(allScopes)]),
  ]
  // Who is given something by one group may be held to something by another.
  if (several) dimensions.push(who('another group', groupPaths, [nothing, ...allGroups.map(inGroup)]))
  const tenants = texts('tenant')
  if (hints.reads('tenant'))
    dimensions.push(
      who(
        'tenant',
        ['tenant'],
        [
          nothing,
          ...unique([...tenants, nobodys]).map(name =>
            choice(`tenant ${name}`, name, draft => void Object.assign(draft, { tenant: name })),
          ),
        ],
      ),
    )
  const spiffe = unique([...workloads, ...texts('workload')])
  if (spiffe.length > 0)
    dimensions.push(
      who(
        'workload',
        ['workload'],
        [
          nothing,
          ...spiffe.map(name =>
            choice(`workload ${name}`, name, draft => void Object.assign(draft, { workload: name })),
          ),
        ],
      ),
    )
  if (anonymous || hints.reads('principal', 'kind'))
    dimensions.push(who('kind', ['principal.kind'], [nothing, ...kindChoices(anonymous)]))
  for (const path of hints.paths.filter(([root, ...rest]) => root === 'claims' && rest.length > 0).slice(0, mostClaims))
    dimensions.push(claimDimension(path, hints.at(...path)))
  return dimensions
}

const opening: ReadonlySet<string> = new Set(['user', 'group', 'scopes'])

function who(name: string, read: readonly string[], choices: readonly Choice[]): Dimension {
  return dimension(name, choices, { who: true, opens: opening.has(name), read })
}

function agentChoices(named: readonly NamedAgent[], hints: Hints): readonly Choice[] {
  const ids = hints.at('agent', 'id').filter(value => typeof value === 'string' && value !== '')
  const issuers = hints.at('agent', 'issuer').filter(value => typeof value === 'string' && value !== '')
  const issuer = issuers[0] ?? named[0]?.issuer ?? 'x'
  const agents = new Map(named.map(agent => [`${agent.issuer}:${agent.id}`, agent]))
  for (const id of ids) agents.set(`${issuer}:${id}`, { issuer: String(issuer), id: String(id) })
  for (const other of issuers) agents.set(`${other}:x`, { issuer: String(other), id: 'x' })
  if (agents.size === 0) agents.set('x:x', { issuer: 'x', id: 'x' })
  else agents.set('x:other', { issuer: 'x', id: 'other' })
  return (['attested', 'claimed'] as const).flatMap(assurance =>
    [...agents.values()].map(agent =>
      choice(
        `${assurance === 'claimed' ? 'unattested ' : ''}agent ${agent.issuer}:${agent.id}`,
        agent.id,
        draft => void Object.assign(draft, { agent: { ...agent, assurance } }),
      ),
    ),
  )
}

function scopeChoices(all: readonly string[]): readonly Choice[] {
  if (all.length === 0) return []
  const sets = [all, ...all.map(scope => [scope])]
  if (all.length > 2) sets.push(...all.map(scope => all.filter(one => one !== scope)))
  if (all.length === 1) sets.length = 1
  return sets.map(scopes =>
    choice(`scope ${scopes.join(' ')}`, undefined, draft => void Object.assign(draft, { scopes })),
  )
}

function kindChoices(anonymous: boolean): readonly Choice[] {
  const machine = choice('a machine', 'machine', draft => void Object.assign(draft, { kind: 'machine' }))
  if (!anonymous) return [machine]
  const nobody = choice('anonymous', 'anonymous', draft => {
    Object.assign(draft, { kind: 'anonymous', user: 'system:anonymous', agent: undefined, scopes: [] })
    draft.groups.clear()
  })
  return [machine, nobody]
}

function claimDimension(path: Path, values: readonly Plain[]): Dimension {
  const [, ...rest] = path
  const size = rest.at(-1) === '#size'
  const at = size ? [...rest.slice(0, -1), '*'] : rest
  const name = `claim ${at.join('.')}`
  const choices = [...new Set<Plain>([...values, nobodys])].map(value =>
    choice(`${name}=${String(value)}`, value, draft => {
      draft.claims = withValue(draft.claims, at, value)
    }),
  )
  return who(name, [path.join('.')], [nothing, ...choices])
}

export function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)]
}
