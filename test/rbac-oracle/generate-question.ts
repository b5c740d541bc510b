import type { Random } from '../fuzz/random.js'
import { metadataOf } from './generate.js'
import { generateObject } from './generate-object.js'
import { generateRequest } from './generate-request.js'
import { type Json, mutate } from './mutate-manifest.js'
import type { Question } from './question.js'

export const requestsPerQuestion = 4

/** A set of RBAC objects and requests to it; the same for the same random numbers. */
export function generateQuestion(random: Random): Question {
  const trust = random.chance(0.4)
  const objects: Json[] = []
  const seen = new Set<string>()
  const count = 2 + random.int(9)
  for (let made = 0; made < count; made++) {
    let object = generateObject(random, trust, made, objects)
    if (!trust && random.chance(0.15)) object = mutate(random, object)
    const key = identityOf(object)
    if (!seen.has(key)) objects.push(object)
    seen.add(key)
  }
  const requests = Array.from({ length: requestsPerQuestion }, () => generateRequest(random, objects))
  return { objects, trust, requests }
}

function identityOf(object: Json): string {
  const { namespace, name } = metadataOf(object)
  return JSON.stringify([object.kind, namespace ?? '', name ?? ''])
}
