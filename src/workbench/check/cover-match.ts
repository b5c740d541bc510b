import { compileGlobs } from '../../policy/glob.js'
import type { MatchSpec } from '../../policy/match.js'

type Subjects = NonNullable<MatchSpec['subjects']>
type Subject = Subjects[number]

/** Whether patterns match all that others match. A star among the others is a character that only a star matches. */
export function coversPatterns(wider: readonly string[] | undefined, narrower: readonly string[] | undefined): boolean {
  if (wider === undefined) return true
  return narrower?.every(compileGlobs(wider)) === true
}

/** Whether a match is about every call that another is about. May be false where that takes more than comparing fields. */
export function coversCalls(wider: MatchSpec, narrower: MatchSpec): boolean {
  for (const field of ['servers', 'tools', 'prompts', 'resources', 'access'] as const)
    if (!coversPatterns(wider[field], narrower[field])) return false
  // Left out, methods are those that touch something, and not all.
  if (wider.methods === undefined ? narrower.methods !== undefined : !coversPatterns(wider.methods, narrower.methods))
    return false
  return Object.entries(wider.labels ?? {}).every(([key, patterns]) => {
    const given = narrower.labels?.[key]
    return given !== undefined && coversPatterns([patterns].flat(), [given].flat())
  })
}

/** Whether all callers of one are callers of the other. */
export function coversCallers(wider: MatchSpec, narrower: MatchSpec): boolean {
  return coversSubjects(wider.subjects, narrower.subjects) && coversAgents(wider.agents, narrower.agents)
}

export function coversSubjects(wider: Subjects | undefined, narrower: Subjects | undefined): boolean {
  if (wider === undefined) return true
  return narrower?.every(one => wider.some(other => coversSubject(other, one))) === true
}

function coversSubject(wider: Subject, narrower: Subject): boolean {
  // Whoever has a name of his own was authenticated.
  if (wider.kind === 'Group' && wider.name === 'system:authenticated' && isOwnName(narrower)) return true
  return coversPatterns([nameOf(wider)], [nameOf(narrower)])
}

/** Not one of those that callers without a token have: no pattern that `system:anonymous` meets. */
function isOwnName({ kind, name }: Subject): boolean {
  if (kind === 'ServiceAccount') return true
  const star = name.indexOf('*')
  return !name.startsWith('system:') && (star === -1 || !'system:'.startsWith(name.slice(0, star)))
}

function nameOf(subject: Subject): string {
  if (subject.kind !== 'ServiceAccount') return `${subject.kind} ${subject.name}`
  return `User system:serviceaccount:${subject.namespace}:${subject.name}`
}

export function coversAgents(wider: MatchSpec['agents'], narrower: MatchSpec['agents']): boolean {
  if (wider === undefined) return true
  return (
    narrower?.every(one => wider.some(other => other.kind === one.kind && coversPatterns([other.name], [one.name]))) ===
    true
  )
}
