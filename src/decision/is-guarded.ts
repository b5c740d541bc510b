import type { PolicySnapshot } from '../policy/snapshot.js'

/** Whether there are, or could be, rules about results of the Server. */
export function isGuarded({ resultGuardrails, broken }: PolicySnapshot, server: string): boolean {
  return (
    resultGuardrails.ofServer(server).length > 0 || broken.ofServer(server).some(({ aboutResults }) => aboutResults)
  )
}
