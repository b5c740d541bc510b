import type { Eventually } from '../decision/eventually.js'
import { createVisibility } from '../decision/visibility.js'
import type { RememberedTrial } from './shadow-judge.js'

/** Names of tools as clients know them, in the order of the catalogue. */
export interface ListDifference {
  /** Shown now, and not shown in the shadow. */
  readonly hidden: readonly string[]
  /** The other way round. */
  readonly shown: readonly string[]
}

/** Tools of one list that are looked at. */
const mostTools = 512
/** Milliseconds between which others get their turn. */
const turnMs = 5

/**
 * What the shadow would show of the tools of the catalogue in the answer to a tools/list that both allow. undefined: the
 * same, or nobody knows which tools there are. Permissions are asked for one after the other, so that no more than one
 * question of this waits for an API server.
 */
export function compareLists(
  decided: RememberedTrial,
  shadow: RememberedTrial,
): Eventually<ListDifference | undefined> {
  const tools = [decided, shadow].map(({ server, call }) => {
    const asked = call?.method === 'tools/list' ? server : undefined
    return [...(asked?.catalog?.tools.keys() ?? [])].map(tool => `${asked?.toolPrefix ?? ''}${tool}`)
  })
  const names = [...new Set(tools.flat())].slice(0, mostTools)
  return names.length === 0 ? undefined : compareNames(names, decided, shadow)
}

async function compareNames(
  names: readonly string[],
  decided: RememberedTrial,
  shadow: RememberedTrial,
): Promise<ListDifference | undefined> {
  const [before, after] = [shows(decided), shows(shadow)]
  const hidden: string[] = []
  const shown: string[] = []
  let end = performance.now() + turnMs
  for (const name of names) {
    const [was, is] = [await before(name), await after(name)]
    if (was && !is) hidden.push(name)
    if (!was && is) shown.push(name)
    if (performance.now() < end) continue
    await new Promise(resolve => setImmediate(resolve))
    end = performance.now() + turnMs
  }
  return hidden.length + shown.length === 0 ? undefined : { hidden, shown }
}

function shows({
  snapshot,
  server,
  principal,
  request,
  startedAt,
}: RememberedTrial): (name: string) => Eventually<boolean> {
  if (server === undefined || principal === undefined || server.catalog === undefined) return () => false
  const { authority, path } = request
  const visibility = createVisibility({ snapshot, server, principal, authority, path, now: startedAt })
  return async name => (await visibility.judge({ kind: 'tool', name })).shown
}
