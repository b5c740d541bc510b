import { createHash } from 'node:crypto'
import type { UserInfo } from '../identity/principal.js'
import { isWellFormed } from './well-formed.js'

/** A user as SubjectAccessReviews name it; made once per UserInfo. */
export interface SarUser {
  /** Why no question is asked about this user; undefined when nothing speaks against it. */
  readonly problem: string | undefined
  /** Different for different users, and short. */
  readonly key: string
  /** Members `user`, `uid`, `groups` and `extra` of the spec. */
  readonly fields: SarUserFields
}

export interface SarUserFields {
  readonly user: string
  readonly uid?: string
  readonly groups?: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

/** UTF-16 units of all names together: more than any token may carry, less than the 3 MiB that an API server reads. */
const mostCharacters = 512 * 1024
/** A longer key is replaced by its digest: it is read through with every question. */
const longestKey = 48

const known = new WeakMap<UserInfo, SarUser>()

/** A UserInfo never changes, so that what was made of it is kept as long as it is. */
export function sarUser(user: UserInfo): SarUser {
  const before = known.get(user)
  if (before !== undefined) return before
  const made = prepare(user)
  known.set(user, made)
  return made
}

/**
 * The groups go out as they are: a Principal already has those that an API server adds to its users
 * (`system:authenticated`, those of ServiceAccounts), and without them stands for a user that has none. Keys of `extra` are
 * lower-case in an API server; what differs only in that is one key with all its values.
 */
function prepare({ username, uid, groups, extra }: UserInfo): SarUser {
  const merged = new Map<string, readonly string[]>()
  for (const [key, values] of extra) {
    const lower = key.toLowerCase()
    merged.set(lower, [...(merged.get(lower) ?? []), ...values])
  }
  const sorted = [...merged].sort(([left], [right]) => (left < right ? -1 : 1))
  const texts = [username, uid, ...groups, ...sorted.flat(2)]
  const size = texts.reduce((sum, { length }) => sum + length, texts.length)
  const problem = problemOf(username, groups, texts, size)
  if (problem !== undefined) return { problem, key: '', fields: { user: '' } }
  const shape = [groups.length, ...sorted.map(([, values]) => values.length)]
  const exact = `${shape};${texts.map(({ length }) => length)};${texts.join('')}`
  return {
    problem: undefined,
    key: exact.length <= longestKey ? exact : `#${createHash('sha256').update(exact).digest('base64')}`,
    fields: {
      user: username,
      ...(uid !== '' && { uid }),
      ...(groups.length > 0 && { groups }),
      ...(sorted.length > 0 && { extra: Object.fromEntries(sorted) }),
    },
  }
}

function problemOf(
  username: string,
  groups: readonly string[],
  texts: readonly string[],
  size: number,
): string | undefined {
  if (username === '') return 'the user has no name'
  // Whoever is in this group may do everything, before any authorizer is asked. No token makes anybody that here.
  if (groups.includes('system:masters')) return 'members of system:masters are not known here'
  if (size > mostCharacters) return 'the names of the user and its groups are too long'
  // JSON in Go reads half a pair as U+FFFD: the question would be about somebody else.
  if (!texts.every(isWellFormed)) return 'the names of the user and its groups are not well-formed Unicode'
  return undefined
}
