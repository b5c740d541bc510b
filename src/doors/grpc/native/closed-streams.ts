/**
 * Why a stream has gone. `ended`: both sides had said all. `resetByPeer`; `resetByUs`: what the peer sent before it knew may still come.
 */
export type Ending = 'ended' | 'resetByPeer' | 'resetByUs'

/** Ids of a peer follow each other: so many of the last ones are remembered, far more than can be on the way. */
const slots = 1024

const endings: readonly Ending[] = ['ended', 'resetByPeer', 'resetByUs']

/** Remembers how the last streams ended, in fixed room. */
export class ClosedStreams {
  // Made with the first stream that ends: idle connections need none.
  #ids: Uint32Array | undefined
  #endings: Uint8Array | undefined

  add(id: number, ending: Ending): void {
    this.#ids ??= new Uint32Array(slots)
    this.#endings ??= new Uint8Array(slots)
    const slot = (id >>> 1) % slots
    this.#ids[slot] = id
    this.#endings[slot] = endings.indexOf(ending)
  }

  /** undefined: never opened, or forgotten. */
  endingOf(id: number): Ending | undefined {
    const slot = (id >>> 1) % slots
    if (this.#ids?.[slot] !== id) return undefined
    return endings[this.#endings?.[slot] ?? 0]
  }
}
