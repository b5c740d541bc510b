import { type Variable, variableNames } from './engine.js'
import type { FuzzCase, Inputs } from './fuzz-case.js'

/** A smaller case that is wrong as well, found within the time: pieces of the source, inputs, unknowns and completions are left out in turn. */
export function minimise(start: FuzzCase, wrong: (one: FuzzCase) => boolean, patienceMs: number): FuzzCase {
  const end = performance.now() + patienceMs
  let smallest = start
  const keep = (one: FuzzCase): boolean => {
    if (performance.now() > end || !wrong(one)) return false
    smallest = one
    return true
  }
  for (const name of variableNames) keep({ ...smallest, inputs: without(smallest.inputs, name) })
  for (let i = smallest.unknowns.length - 1; i >= 0; i--)
    keep({ ...smallest, unknowns: smallest.unknowns.toSpliced(i, 1) })
  for (let i = smallest.completions.length - 1; i >= 0; i--) {
    keep({ ...smallest, completions: smallest.completions.toSpliced(i, 1) })
  }
  for (let size = Math.ceil(smallest.source.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < smallest.source.length; ) {
      const source = smallest.source.slice(0, at) + smallest.source.slice(at + size)
      if (!keep({ ...smallest, source })) at += size
      if (performance.now() > end) return smallest
    }
  }
  return smallest
}

function without(inputs: Inputs, name: Variable): Inputs {
  const fewer = { ...inputs }
  delete fewer[name]
  return fewer
}
