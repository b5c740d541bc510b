/** One by one: as arguments of `push`, some hundred thousand are too many for the stack. */
export function append<T>(items: Iterable<T> | undefined, into: T[]): void {
  if (items !== undefined) for (const item of items) into.push(item)
}
