import type { PathSegment, SourceDocument } from '../../documents/source-document.js'
import { itemPath, parseRbac } from '../../rbac/parse-rbac.js'
import { type CheckedSet, type CheckFinding, found, listed, rulesOf } from './checked-set.js'
import { type PossibleSubjects, possibleSubjects } from './possible-subjects.js'

/** Users, groups and agents in rules and bindings that no token can be mapped to. */
export function findImpossibleSubjects(set: CheckedSet): readonly CheckFinding[] {
  const possible = possibleSubjects(set.documents, set.snapshot.servers.all)
  if (possible === undefined) return []
  const ofRules = ['Grant', 'Guardrail', 'Enrichment'].flatMap(kind =>
    rulesOf(set, kind).flatMap(({ document, match }) => [
      ...(match.subjects ?? []).flatMap((subject, index) => {
        const path = ['spec', 'match', 'subjects', index]
        return judge(possible, document, path, subject.kind, subject.name)
      }),
      ...(match.agents ?? []).flatMap(({ kind: what, name }, index) =>
        judge(possible, document, ['spec', 'match', 'agents', index], what, name),
      ),
    ]),
  )
  const bindings = set.fileClusters.size === 0 ? [] : set.documents
  return [...ofRules, ...bindings.flatMap(document => judgeBindings(possible, document))]
}

function judgeBindings(possible: PossibleSubjects, document: SourceDocument): readonly CheckFinding[] {
  if (document.apiVersion !== 'rbac.authorization.k8s.io/v1' && document.kind !== 'List') return []
  return (parseRbac(document).value ?? []).flatMap((object, item) => {
    if (object.kind !== 'RoleBinding' && object.kind !== 'ClusterRoleBinding') return []
    return object.subjects.flatMap(({ kind, name }, index) => {
      // Manifests of a whole cluster bind its own parts, which come another way. Stars mean nothing here.
      if (name.startsWith('system:') || name.includes('*')) return []
      return judge(possible, document, [...itemPath(document, item), 'subjects', index], kind, name)
    })
  })
}

function judge(
  possible: PossibleSubjects,
  document: SourceDocument,
  path: readonly PathSegment[],
  kind: string,
  name: string,
): readonly CheckFinding[] {
  const problem = problemOf(possible, kind, name)
  if (problem === undefined) return []
  return [found(document, 'impossible-subject', [...path, 'name'], problem.message, problem.hint)]
}

function problemOf(
  possible: PossibleSubjects,
  kind: string,
  name: string,
): { readonly message: string; readonly hint: string } | undefined {
  switch (kind) {
    case 'User':
      if (possible.user(name)) return undefined
      if (name.startsWith('agent:'))
        return {
          message: `no token makes the user "${name}"`,
          hint: `write agent:ALIAS:ID, with ALIAS one of ${listed(possible.aliases)}, and principals: [user, agent] on the Server`,
        }
      if (name.startsWith('system:')) return reserved('user', name)
      return prefixed('user', 'username', name, possible.userPrefixes)
    case 'Group':
      if (possible.group(name)) return undefined
      if (name.startsWith('system:')) return reserved('group', name)
      return prefixed('group', 'groups', name, possible.groupPrefixes)
    case 'Agent':
      if (possible.agent(name)) return undefined
      return {
        message: `no issuer has the alias of "${name}"`,
        hint: `an agent is written ALIAS:ID; there are the aliases ${listed(possible.aliases)}`,
      }
    default:
      return undefined
  }
}

function reserved(what: string, name: string) {
  const message = `no token makes the ${what} "${name}": names that begin with system: are refused in tokens`
  return { message, hint: 'everybody with a token is in the group system:authenticated' }
}

function prefixed(what: string, field: string, name: string, prefixes: readonly string[] = []) {
  const [only, ...others] = prefixes
  if (only === undefined)
    return {
      message: `no token makes the group "${name}": no issuer has claimMappings.${field}, and Identity no roleMapper`,
      hint: `add claimMappings.${field} to the issuer`,
    }
  return {
    message: `no token makes the ${what} "${name}": claimMappings.${field} gives a prefix to every name`,
    hint: others.length === 0 ? `did you mean "${only}${name}"?` : `begin it with one of ${listed(prefixes)}`,
  }
}
