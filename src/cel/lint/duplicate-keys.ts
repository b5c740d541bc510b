import { walk } from '../syntax/walk.js'
import type { LintSubject } from './lint-subject.js'

/** A map with a key twice is an error when it is made (cel-spec langdef, "Map"). */
export function duplicateKeys(subject: LintSubject): void {
  walk(subject.expr, node => {
    if (node.kind !== 'map') return
    const seen = new Set<number>()
    for (const { key, optional } of node.entries) {
      if (optional) continue
      const shape = subject.shapes.of(key)
      if (seen.has(shape)) {
        subject.report('duplicate-key', key, `the key ${subject.quote(key)} stands twice in this map, which fails`)
      }
      seen.add(shape)
    }
  })
}
