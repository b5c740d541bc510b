import { type Asking, type Callable, type CanI, canCall } from './can-i.js'

export interface Listed extends Callable {
  readonly can: CanI
}

/** Whether each tool and prompt of the Server's catalogue can be called; undefined where there is no catalogue. */
export async function listCallable(asking: Asking): Promise<readonly Listed[] | undefined> {
  const { catalog, toolPrefix } = asking.server
  if (catalog === undefined) return undefined
  const callables: Callable[] = [
    ...[...catalog.tools.keys()].map(name => ({ kind: 'tool', name: toolPrefix + name }) as const),
    ...[...catalog.prompts.keys()].map(name => ({ kind: 'prompt', name }) as const),
  ]
  const listed: Listed[] = []
  for (const callable of callables) listed.push({ ...callable, can: await canCall(asking, callable) })
  return listed
}
