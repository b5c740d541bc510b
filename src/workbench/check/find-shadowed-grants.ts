import { valueAt } from '../../documents/value-at.js'
import { type CheckedSet, type CheckFinding, found, rulesOf, type WrittenRule } from './checked-set.js'
import { coversAgents, coversCalls, coversPatterns, coversSubjects } from './cover-match.js'

/** Grants that give nothing which another one does not give, to the same callers or more. Of equal ones, the later by name. `idle`: `Grant/name` of those that give nothing anyway. */
export function findShadowedGrants(set: CheckedSet, idle: ReadonlySet<string>): readonly CheckFinding[] {
  const grants = rulesOf(set, 'Grant').filter(
    ({ document, servers }) =>
      !idle.has(`Grant/${document.name}`) && servers.some(({ require }) => require.includes('grants')),
  )
  return grants.flatMap((grant, index) => {
    const other = grants.find(
      (one, at) => one !== grant && givesAll(one, grant) && (at < index || !givesAll(grant, one)),
    )
    if (other === undefined) return []
    const message = `all that it gives, the Grant ${other.document.name} gives to the same callers as well`
    const hint = `delete it, or narrow ${other.document.name}`
    return [found(grant.document, 'shadowed-grant', ['metadata', 'name'], message, hint)]
  })
}

function givesAll(wider: WrittenRule, narrower: WrittenRule): boolean {
  const spec = ({ document }: WrittenRule, field: string) => valueAt(document.value, ['spec', field])
  const { match } = wider
  // An agent is given something by what names agents, so that a Grant for everybody is another thing where agents are asked for.
  const people = narrower.servers.every(({ principals }) => !principals.includes('agent'))
  const agents =
    narrower.match.agents === undefined || match.agents !== undefined || people
      ? coversAgents(match.agents, narrower.match.agents)
      : false
  const scopes = textsOf(spec(wider, 'scopes')).every(scope => textsOf(spec(narrower, 'scopes')).includes(scope))
  const claimed = spec(narrower, 'allowClaimed') !== true || spec(wider, 'allowClaimed') === true
  const conditions = conditionsOf(wider).every(condition => conditionsOf(narrower).includes(condition))
  return (
    coversCalls({ ...match, servers: undefined }, { ...narrower.match, servers: undefined }) &&
    coversPatterns(namesOf(wider), namesOf(narrower)) &&
    coversSubjects(match.subjects, narrower.match.subjects) &&
    agents &&
    scopes &&
    claimed &&
    conditions
  )
}

/** Only Servers that ask for Grants count. */
function namesOf({ servers }: WrittenRule): readonly string[] {
  return servers.filter(({ require }) => require.includes('grants')).map(({ name }) => name)
}

function textsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function conditionsOf({ document }: WrittenRule): readonly unknown[] {
  const list = textsOf(valueAt(document.value, ['spec', 'matchConditions']))
  return list.map((_, index) => valueAt(document.value, ['spec', 'matchConditions', index, 'expression']))
}
