import type { FuzzInput } from './fuzz-input.js'

/** Attempts, so that a slow judgement does not keep anybody waiting. */
const maxTries = 3000

/**
 * A smaller input that still has the fault: headers are left out, then pieces of the bytes, large ones first, until
 * nothing more can go.
 */
export async function minimise(
  input: FuzzInput,
  stillFails: (smaller: FuzzInput) => Promise<boolean>,
): Promise<FuzzInput> {
  let smallest = input
  let tries = 0
  const attempt = async (smaller: FuzzInput): Promise<boolean> => {
    if (++tries > maxTries || !(await stillFails(smaller))) return false
    smallest = smaller
    return true
  }
  for (let at = smallest.headers.length - 1; at >= 0; at--) {
    await attempt({ ...smallest, headers: smallest.headers.filter((_, index) => index !== at) })
  }
  for (let size = Math.ceil(smallest.bytes.length / 2); size >= 1 && tries <= maxTries; ) {
    let shrunk = false
    for (let at = 0; at < smallest.bytes.length; ) {
      const { bytes } = smallest
      const without = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)])
      if (await attempt({ ...smallest, bytes: without })) shrunk = true
      else at += size
    }
    // With single bytes gone, others may have become superfluous.
    if (size > 1 || !shrunk) size = size === 1 ? 0 : Math.ceil(size / 2)
  }
  return smallest
}
