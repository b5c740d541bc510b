import { scaleRequest } from '../check-requests.js'

/** What JSON.parse takes for a message of 1 KiB on an idle core of the machine class of the inputs. Microseconds. */
const idleMicros = 3

const request = scaleRequest('', 3).toString('latin1')
const message = request.slice(request.indexOf('{"jsonrpc"'), request.lastIndexOf('}}') + 2)
const roundMs = 3

/**
 * How many times as long everything takes as on an idle core: others who use the machine slow down what processor time counts,
 * too (caches, sibling threads, a hypervisor). Costs are divided by it, so that what was measured at different moments, or on
 * another machine, can be compared. Of many short measurements the fastest counts.
 */
export class Reference {
  #fastest = Number.POSITIVE_INFINITY

  measure(times = 1): void {
    for (let time = 0; time < times; time++) this.#fastest = Math.min(this.#fastest, microsPerParse())
  }

  get slowness(): number {
    if (!Number.isFinite(this.#fastest)) this.measure(20)
    return this.#fastest / idleMicros
  }
}

function microsPerParse(): number {
  const before = process.cpuUsage()
  for (let count = 0; ; ) {
    for (let i = 0; i < 64; i++) JSON.parse(message)
    count += 64
    const { user, system } = process.cpuUsage(before)
    if (user + system >= roundMs * 1000) return (user + system) / count
  }
}
