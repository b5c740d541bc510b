import type { BoundAddress } from '../../../src/doors/grpc/grpc-transport.js'
import { message } from '../../../src/doors/grpc/native/raw-client.fixture.js'
import { Peer } from '../fuzz/peer.js'
import { hello, pause, request } from './flood-client.js'

/** Asks one thing after the other while others flood, on a connection of its own. */
export class HonestClient {
  readonly #peer: Peer
  #id = 1
  #asking = true
  #done: Promise<void> | undefined
  answered = 0
  /** The longest that it waited. Milliseconds. */
  longestMs = 0
  problem: string | undefined

  constructor(address: BoundAddress) {
    this.#peer = new Peer(address, true)
    this.#peer.socket.write(hello)
  }

  /** Asks so many at once, over and over: what honest work costs. */
  async work(requests: number): Promise<void> {
    for (let left = requests; left > 0; left -= 100) {
      const ids = Array.from({ length: 100 }, () => this.#next())
      this.#peer.socket.write(Buffer.concat(ids.map(id => request(id))))
      await this.#peer.until(() => ids.every(id => this.#peer.streams.get(id)?.ended))
      for (const id of ids) this.#peer.streams.delete(id)
    }
  }

  start(): void {
    this.#done = this.#ask()
  }

  async stop(): Promise<void> {
    this.#asking = false
    await this.#done
    await this.#peer.close()
  }

  #next(): number {
    const id = this.#id
    this.#id += 2
    this.#peer.highestId = id
    this.#peer.stream(id)
    // What it hears is little; the window never matters.
    this.#peer.receiveWindow = 65_535
    return id
  }

  async #ask(): Promise<void> {
    while (this.#asking && this.problem === undefined) {
      const id = this.#next()
      const since = performance.now()
      const heard = this.#peer.stream(id)
      this.#peer.socket.write(request(id, `ask ${id}`))
      await this.#peer.until(() => heard.ended)
      this.longestMs = Math.max(this.longestMs, performance.now() - since)
      if (this.#peer.problem !== undefined || !Buffer.concat(heard.body).equals(message(`ask ${id}`))) {
        this.problem = this.#peer.problem ?? `request ${id} was not answered right`
      } else this.answered++
      this.#peer.streams.delete(id)
      await pause(2)
    }
  }
}
