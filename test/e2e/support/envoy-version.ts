export type EnvoyVersion = `${number}.${number}` | `${number}.${number}.${number}`

/**
 * Whether a version has what came with `since`: the first version of each line that has it; lines after the last of these
 * have it as well.
 */
export function includes(version: string, since: readonly EnvoyVersion[]): boolean {
  const own = numbers(version)
  const sameLine = since.map(numbers).find(one => one[0] === own[0] && one[1] === own[1])
  if (sameLine !== undefined) return compare(own, sameLine) >= 0
  return since.every(one => compare(own, numbers(one)) > 0)
}

function numbers(version: string): readonly number[] {
  return version.split('.').map(Number)
}

function compare(a: readonly number[], b: readonly number[]): number {
  return [0, 1, 2].map(at => (a[at] ?? 0) - (b[at] ?? 0)).find(difference => difference !== 0) ?? 0
}
