import type { Actor, Principal } from '../identity/principal.js'

/** Longest list of groups that goes into a token, in characters of its JSON. */
export const maxGroupsLength = 4096

/** What every receiver adds by itself, so that it says nothing. */
const implied = 'system:authenticated'

/** Groups as tokens and headers of ours tell them. */
export function toldGroups({ user }: Principal): readonly string[] {
  return user.groups.filter(group => group !== implied)
}

/** The delegation chain as RFC 8693, section 4.1, nests it: the outermost actor is the one that acts now. */
export function actClaim(actors: readonly Actor[]): object | undefined {
  return [...actors]
    .reverse()
    .reduce<object | undefined>(
      (inner, { subject, issuer }) => ({ sub: subject, iss: issuer, ...(inner !== undefined && { act: inner }) }),
      undefined,
    )
}
