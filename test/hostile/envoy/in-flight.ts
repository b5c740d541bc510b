/** Runs `work` for every item, some at a time; waits for all. */
export async function inFlight<T>(
  items: readonly T[],
  work: (item: T, at: number) => Promise<void>,
  count = 16,
): Promise<void> {
  const queue = items.entries()
  const worker = async (): Promise<void> => {
    for (const [at, item] of queue) await work(item, at)
  }
  await Promise.all(Array.from({ length: count }, worker))
}
