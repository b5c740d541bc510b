import type { Random } from '../fuzz/random.js'
import type { Json } from './mutate-manifest.js'

/** How often something takes a value that an API server would refuse, in an object that it validates. */
export const oddity = 0.01

export function orOdd(random: Random, good: readonly string[], odd: readonly string[]): string {
  return random.pick(random.chance(oddity) ? odd : good)
}

export function list<T>(random: Random, most: number, make: () => T, least = 1): T[] {
  return Array.from({ length: least + random.int(most) }, make)
}

export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function metadataOf(object: Json): Json {
  return isRecord(object.metadata) ? object.metadata : {}
}
