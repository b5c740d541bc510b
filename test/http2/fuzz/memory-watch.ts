import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { fitLine } from '../../soak/fit-line.js'

/** How often memory is looked at. Milliseconds. */
const intervalMs = 10_000

/** What a run may grow by and still be the same: tables that fill, code that is compiled. Bytes. */
const noiseBytes = 4 * 1024 * 1024

/** What is in use without garbage, over a run: the first third is warming up. */
export class MemoryWatch {
  readonly #collect: () => void
  readonly #seen: [iteration: number, bytes: number][] = []
  #last = 0

  constructor() {
    setFlagsFromString('--expose-gc')
    this.#collect = runInNewContext('gc')
  }

  look(iteration: number): void {
    const now = performance.now()
    if (now - this.#last < intervalMs) return
    this.#last = now
    this.#collect()
    const { heapUsed, external } = process.memoryUsage()
    this.#seen.push([iteration, heapUsed + external])
  }

  /** What has grown, if more than noise; undefined too when there is not enough to tell. */
  problem(): string | undefined {
    const { grown, certain } = this.#growth()
    return certain && grown > noiseBytes ? `${this.describe()}: more than noise` : undefined
  }

  describe(): string {
    const { grown, from, to } = this.#growth()
    const megabytes = (bytes: number) => (bytes / 1024 / 1024).toFixed(2)
    return `${megabytes(from)} MiB in use after warming up, ${megabytes(to)} MiB at the end, ${megabytes(grown)} MiB by the line through ${this.#seen.length} looks`
  }

  #growth() {
    const seen = this.#seen.slice(Math.ceil(this.#seen.length / 3))
    const [first, last] = [seen[0], seen.at(-1)]
    if (first === undefined || last === undefined || seen.length < 5)
      return { grown: 0, certain: false, from: 0, to: 0 }
    const { slope, error } = fitLine(seen)
    return { grown: slope * (last[0] - first[0]), certain: slope > 3 * error, from: first[1], to: last[1] }
  }
}
