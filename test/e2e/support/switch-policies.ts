import { eventually } from './eventually.js'
import type { Stand } from './stand.js'

/**
 * Replaces one file of the policies and waits until mcp-authz decides by it. `probe` sends any request that leaves a
 * record. The text must differ from the one in force.
 */
export async function switchPolicies(
  stand: Stand,
  name: string,
  text: string,
  probe: () => Promise<unknown>,
): Promise<void> {
  const revision = () => stand.authz.records.at(-1)?.policy_revision
  await probe()
  const before = await eventually('a record', revision)
  await stand.policies.write(name, text)
  await eventually('the new policies', async () => {
    await probe()
    // A request that could not be judged, on a machine out of breath, leaves a record without one.
    const now = revision()
    return now !== undefined && now !== before
  })
}
