import { Contender } from './contender.js'
import type { Start } from './servers.js'

export interface Memory {
  readonly name: string
  /** Resident, in MiB: before the first request, after the last, and the most it ever was. */
  readonly idleMb: number
  readonly afterMb: number
  readonly peakMb: number
}

/** Resident memory after so many decisions, as fast as they go. */
export async function compareMemory(
  starts: readonly Start[],
  message: Buffer,
  { pinned, decisions }: { readonly pinned: boolean; readonly decisions: number },
): Promise<readonly Memory[]> {
  const memories: Memory[] = []
  for (const start of starts) {
    const contender = await Contender.start(start, message, pinned)
    try {
      const idle = contender.server.usage()
      await contender.saturate({ requests: decisions })
      const after = contender.server.usage()
      memories.push({
        name: start.name,
        idleMb: mebibytes(idle.rssBytes),
        afterMb: mebibytes(after.rssBytes),
        peakMb: mebibytes(after.peakRssBytes),
      })
    } finally {
      await contender.stop()
    }
  }
  return memories
}

function mebibytes(bytes: number): number {
  return bytes / 1024 / 1024
}
