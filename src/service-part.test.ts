import { describe, expect, it } from 'vitest'
import { dividedMemory, type ServicePart } from './service-part.js'
import { WorkerChannel } from './workers/worker-channel.js'

const launch = () => {
  throw new Error('nothing is started here')
}
const primary: ServicePart = { role: 'primary', workers: 3, launch }
const silent = { connected: false, on: () => undefined, once: () => undefined }
const worker: ServicePart = { role: 'worker', channel: new WorkerChannel(silent), listeners: [], openWithinMs: 0 }
const proofs = { dpopAlgorithms: ['ES256'] }

describe('what is weaker with several processes', () => {
  it('is told where DPoP proofs are taken, once', () => {
    expect(dividedMemory(primary, proofs)).toEqual([expect.stringContaining('each of the 3 workers')])
    expect(dividedMemory(worker, proofs)).toEqual([])
  })

  it.each<[string, ServicePart | undefined, Parameters<typeof dividedMemory>[1]]>([
    ['of one process', undefined, proofs],
    ['where none are taken', primary, { dpopAlgorithms: [] }],
    ['where nothing is in force', primary, undefined],
  ])('is nothing %s', (_name, part, authenticator) => expect(dividedMemory(part, authenticator)).toEqual([]))
})
