/** What V8's profiler writes; times are microseconds. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

interface ProfileNode {
  readonly id: number
  readonly callFrame: {
    readonly functionName: string
    readonly url: string
    readonly lineNumber: number
    readonly columnNumber?: number
  }
  readonly children?: readonly number[]
}

/** Shares of the time in which the process did something, most first. */
export type Shares = readonly (readonly [what: string, share: number])[]

export interface ProfileSummary {
  /** By where the time was spent itself: a room of the program, a package, Node, or native code. */
  readonly rooms: Shares
  /** What Node, native code and packages take counts for the room that called them. */
  readonly callingRooms: Shares
  /** Each without what it calls; a function that was inlined counts as if it had not been. */
  readonly functions: Shares
  /** Functions of the program, each with what it calls. */
  readonly inclusive: Shares
}

/** What a frame is, and what it is called by. */
interface Frame {
  readonly place: string
  readonly room: string
  readonly callingRoom: string
  /** Functions of the program on the stack, itself included, each once. */
  readonly stack: readonly string[]
}

export function summarizeProfile(profile: CpuProfile): ProfileSummary {
  const frames = framesOf(profile.nodes)
  const rooms = new Map<string, number>()
  const callingRooms = new Map<string, number>()
  const functions = new Map<string, number>()
  const inclusive = new Map<string, number>()
  let busy = 0
  for (const [at, id] of profile.samples.entries()) {
    const frame = frames.get(id)
    const spent = profile.timeDeltas[at] ?? 0
    if (frame === undefined || frame.place === '(idle)') continue
    busy += spent
    add(rooms, frame.room, spent)
    add(callingRooms, frame.callingRoom, spent)
    add(functions, frame.place, spent)
    for (const place of frame.stack) add(inclusive, place, spent)
  }
  const sorted = (times: ReadonlyMap<string, number>): Shares =>
    [...times].map(([what, spent]) => [what, spent / busy] as const).sort(([, a], [, b]) => b - a)
  return {
    rooms: sorted(rooms),
    callingRooms: sorted(callingRooms),
    functions: sorted(functions),
    inclusive: sorted(inclusive),
  }
}

/** @param most functions that are listed in each table */
export function printProfile(summary: ProfileSummary, microsPerDecision: number, most = 40): string {
  const table = (title: string, shares: Shares) => [
    '',
    title,
    ...shares
      .slice(0, most)
      .map(
        ([what, share]) =>
          `${(share * 100).toFixed(1).padStart(5)} % ${(share * microsPerDecision).toFixed(2).padStart(6)} µs  ${what}`,
      ),
  ]
  return [
    `One decision: ${microsPerDecision.toFixed(1)} µs of processor time, of all threads, without the profiler`,
    ...table('Rooms; Node, native code and packages count for who called them', summary.callingRooms),
    ...table('Rooms, packages, Node, each for itself', summary.rooms),
    ...table('Functions, each without what it calls', summary.functions),
    ...table('Functions of the program, each with what it calls', summary.inclusive),
  ].join('\n')
}

function framesOf(nodes: readonly ProfileNode[]): ReadonlyMap<number, Frame> {
  const parents = new Map<number, number>()
  for (const { id, children = [] } of nodes) for (const child of children) parents.set(child, id)
  const frames = new Map<number, Frame>()
  // A node comes after its parent: V8 writes the tree from its root.
  for (const { id, callFrame } of nodes) {
    const { functionName, url, lineNumber } = callFrame
    const file = shortened(url)
    const name = functionName || '(anonymous)'
    const place = file === '' ? name : `${name} ${file}:${lineNumber + 1}`
    const room = roomOf(file, name)
    const parent = frames.get(parents.get(id) ?? 0)
    const isOurs = file.startsWith('src/')
    const stack = parent?.stack ?? []
    frames.set(id, {
      place,
      room,
      callingRoom: isOurs ? room : (parent?.stack.length ?? 0) > 0 ? (parent?.callingRoom ?? room) : room,
      stack: isOurs && !stack.includes(place) ? [...stack, place] : stack,
    })
  }
  return frames
}

function shortened(url: string): string {
  const [, inside] = /\/((?:src|gen|node_modules)\/.*)$/.exec(url) ?? []
  return inside ?? url
}

function roomOf(file: string, name: string): string {
  if (file.startsWith('src/')) {
    const [, room = '', inner = ''] = file.split('/')
    return room === 'doors' ? `${room}/${inner}` : room
  }
  if (file.startsWith('node_modules/'))
    return file
      .split('/')
      .slice(0, file.includes('/@') ? 3 : 2)
      .join('/')
  if (file.startsWith('gen/')) return 'gen'
  if (file.startsWith('node:')) return 'node'
  return name === '(garbage collector)' ? name : '(native code: system calls, built-in functions)'
}

function add(times: Map<string, number>, key: string, spent: number): void {
  times.set(key, (times.get(key) ?? 0) + spent)
}
