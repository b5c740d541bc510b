/**
 * Longest name (of a user, group, agent, tenant, workload and the like) in UTF-16 units, and most groups. All of them go
 * into headers, metadata and records, whose room is limited: a token may not make its own answer unsendable.
 */
export const identityLimits = { characters: 256, groups: 500 } as const

/** What is wrong with a name that is too long, for the caller; undefined when it fits. `what` begins the sentence. */
export function tooLong(what: string, name: string): string | undefined {
  return name.length <= identityLimits.characters
    ? undefined
    : `${what} is longer than ${identityLimits.characters} characters.`
}

/** The same for a list of names, which may be too many as well. */
export function tooMany(what: string, names: readonly string[]): string | undefined {
  if (names.length > identityLimits.groups)
    return `This token has more than ${identityLimits.groups} ${what}; let the issuer put fewer into it.`
  return names.some(name => name.length > identityLimits.characters)
    ? `One of the ${what} of this token is longer than ${identityLimits.characters} characters.`
    : undefined
}
