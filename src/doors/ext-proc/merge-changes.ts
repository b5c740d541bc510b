import type { HeaderChanges } from './exchange-processor.js'

/** Both, the later one winning where they name the same header. */
export function mergeChanges(
  first: HeaderChanges | undefined,
  then: HeaderChanges | undefined,
): HeaderChanges | undefined {
  if (first === undefined || then === undefined) return then ?? first
  const { set = [], remove = [], tell = first.tell, target = first.target } = then
  const decided = new Set([...set.map(({ name }) => name), ...remove])
  return {
    set: [...(first.set ?? []).filter(({ name }) => !decided.has(name)), ...set],
    remove: [...(first.remove ?? []).filter(name => !decided.has(name)), ...remove],
    ...(target !== undefined && { target }),
    ...(tell !== undefined && { tell }),
  }
}
