import type { Code, Frame } from './frame.js'
import { Failure, isList, isMap, type MapKey, mapKey, type Result, spend, type Value } from './values.js'

export interface Loop {
  /** Slot of the first loop variable in `Frame.locals`. */
  readonly first: number
  readonly variables: number
  /** Units per iteration. */
  readonly cost: number
  noBool(value: Value): Failure
  noRange(value: Value): Failure
}

/** Calls `step` for each element (list) or key (map) until it returns something; false if there is nothing to iterate. */
function iterate(frame: Frame, range: Value, loop: Loop, step: (key: Value) => Result | undefined): Result | undefined {
  const { first, variables, cost } = loop
  if (isList(range)) {
    for (let i = 0; i < range.length; i++) {
      spend(frame, cost)
      const item = range[i] ?? null
      if (variables === 1) frame.locals[first] = item
      else {
        frame.locals[first] = BigInt(i)
        frame.locals[first + 1] = item
      }
      const stop = step(variables === 1 ? item : BigInt(i))
      if (stop !== undefined) return stop
    }
    return undefined
  }
  if (!isMap(range)) return loop.noRange(range)
  for (const [key, item] of range) {
    spend(frame, cost)
    frame.locals[first] = key
    if (variables === 2) frame.locals[first + 1] = item
    const stop = step(key)
    if (stop !== undefined) return stop
  }
  return undefined
}

/** all (decided by a false) and exists (decided by a true); an error counts only if nothing decides. */
export function quantifier(rangeCode: Code, body: Code, loop: Loop, decisive: boolean): Code {
  return frame => {
    const range = rangeCode(frame)
    if (range instanceof Failure) return range
    let failure: Failure | undefined
    const stop = iterate(frame, range, loop, () => {
      const result = body(frame)
      if (result === decisive) return decisive
      if (result !== !decisive) failure ??= result instanceof Failure ? result : loop.noBool(result)
      return undefined
    })
    return stop ?? failure ?? !decisive
  }
}

export function exactlyOne(rangeCode: Code, body: Code, loop: Loop): Code {
  return frame => {
    const range = rangeCode(frame)
    if (range instanceof Failure) return range
    let found = 0
    const stop = iterate(frame, range, loop, () => {
      const result = body(frame)
      if (result === true) found++
      else if (result !== false) return result instanceof Failure ? result : loop.noBool(result)
      return undefined
    })
    return stop ?? found === 1
  }
}

/** map and filter; without a body what passes the filter is kept as it is. */
export function transformList(rangeCode: Code, filter: Code | undefined, body: Code | undefined, loop: Loop): Code {
  return frame => {
    const range = rangeCode(frame)
    if (range instanceof Failure) return range
    const items: Value[] = []
    const stop = iterate(frame, range, loop, key => {
      if (filter !== undefined) {
        const passes = filter(frame)
        if (passes === false) return undefined
        if (passes !== true) return passes instanceof Failure ? passes : loop.noBool(passes)
      }
      const item = body === undefined ? key : body(frame)
      if (item instanceof Failure) return item
      items.push(item)
      return undefined
    })
    return stop ?? items
  }
}

export function transformMap(rangeCode: Code, filter: Code | undefined, body: Code, loop: Loop): Code {
  return frame => {
    const range = rangeCode(frame)
    if (range instanceof Failure) return range
    const entries = new Map<MapKey, Value>()
    const stop = iterate(frame, range, loop, key => {
      if (filter !== undefined) {
        const passes = filter(frame)
        if (passes === false) return undefined
        if (passes !== true) return passes instanceof Failure ? passes : loop.noBool(passes)
      }
      const item = body(frame)
      if (item instanceof Failure) return item
      const name = mapKey(key)
      if (name !== undefined) entries.set(name, item)
      return undefined
    })
    return stop ?? entries
  }
}
