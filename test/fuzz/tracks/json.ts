import { printTree } from '../json-tree.js'
import { anyValue } from '../mutate-json.js'
import { judgeJson } from '../oracles/json-oracle.js'
import type { Seeds } from '../seeds.js'
import { someBytes } from './message.js'
import { judgeBy, type Track } from './track.js'

/** Any JSON text: more of the grammar than messages show. */
export function createJsonTrack(seeds: Seeds): Track {
  return {
    name: 'json',
    weight: 6,
    generate: random => {
      const base = random.chance(0.7)
        ? Buffer.from(printTree(anyValue(random, 4), random), 'utf8')
        : random.pick(seeds.messages).bytes
      return { track: 'json', headers: [], bytes: someBytes(base, random) }
    },
    judge: ({ bytes }, subject) => {
      const read = subject.parseStrictJson(bytes)
      return judgeBy(read.ok ? 'accepted' : read.reason, [['json', () => judgeJson(bytes, read)]])
    },
  }
}
