import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type HostileCase, hostileCase } from '../case.js'

/** A case with the name of the file that it stands in, such as `json.json`. */
export type LoadedCase = HostileCase & { readonly file: string }

export const corpusDirectory: string = join(import.meta.dirname, '..', 'corpus')

/** Every case of the corpus, by file and then in the order of the file. Throws when one has not the form of case.ts. */
export function loadCorpus(): readonly LoadedCase[] {
  const files = readdirSync(corpusDirectory).filter(name => name.endsWith('.json'))
  return files.sort().flatMap(file => {
    const cases = z.array(hostileCase).parse(JSON.parse(readFileSync(join(corpusDirectory, file), 'utf8')))
    return cases.map(one => ({ ...one, file }))
  })
}
