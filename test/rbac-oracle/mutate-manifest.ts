import type { Random } from '../fuzz/random.js'

export type Json = { [key: string]: unknown }

/** Fields into which the API server looks deeper than we do (see the list of differences in README.md). */
const opaque = new Set(['managedFields', 'creationTimestamp', 'deletionTimestamp'])
const values: readonly unknown[] = [null, '', ' ', 'x', 1, 1.5, -1, true, [], {}, [null], [''], ['x'], [1], { a: null }]
const unknownFields = [
  'x',
  'Name',
  'name',
  'namespace',
  'apiGroup',
  'verb',
  'spec',
  'rules',
  'kind',
  'status',
  'labels',
]

/** A copy in which one place is otherwise than a schema or a validation may want it. */
export function mutate(random: Random, manifest: Json): Json {
  const copy: Json = structuredClone(manifest)
  const places = placesOf(copy, [])
  if (places.length === 0) return copy
  const { holder, key } = random.pick(places)
  switch (random.int(5)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1)
      else delete holder[key]
      break
    case 1:
      if (!Array.isArray(holder)) holder[random.pick(unknownFields)] = structuredClone(random.pick(values))
      break
    case 2:
      if (!Array.isArray(holder)) {
        holder[key.toUpperCase()] = holder[key]
        delete holder[key]
      }
      break
    default:
      set(holder, key, structuredClone(random.pick(values)))
  }
  return copy
}

interface Place {
  readonly holder: Json | unknown[]
  readonly key: string
}

function placesOf(value: unknown, found: Place[]): Place[] {
  if (typeof value !== 'object' || value === null) return found
  const holder = value as Json | unknown[]
  for (const [key, child] of Object.entries(holder)) {
    if (opaque.has(key)) continue
    found.push({ holder, key })
    placesOf(child, found)
  }
  return found
}

function set(holder: Json | unknown[], key: string, value: unknown): void {
  if (Array.isArray(holder)) holder[Number(key)] = value
  else holder[key] = value
}
