import { grpc } from '../../../gen/wire.js'
import type { GrpcService, ServerStream } from './grpc-transport.js'

const { HealthCheckRequest, HealthCheckResponse } = grpc.health.v1
const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = HealthCheckResponse.ServingStatus

export interface GrpcHealth extends GrpcService {
  /** True when this replica may be sent requests. Watchers are told of changes. Starts as false. */
  setReady(ready: boolean): void
}

/** Watch streams that we keep at most; a gateway needs one per connection. */
const defaultMaxWatchers = 256

/**
 * The standard health service. `""`, `readiness` and every given service say whether we are ready; `liveness` is
 * always SERVING, so that a probe does not restart a process that only waits for keys or policies.
 */
export function createGrpcHealth(services: readonly string[], maxWatchers = defaultMaxWatchers): GrpcHealth {
  const watchers = new Map<ServerStream, string>()
  let ready = false
  const statusOf = (service: string) => {
    if (service === 'liveness') return SERVING
    if (service === '' || service === 'readiness' || services.includes(service)) return ready ? SERVING : NOT_SERVING
    return SERVICE_UNKNOWN
  }
  const answer = (service: string) => HealthCheckResponse.encode({ status: statusOf(service) }).finish()
  return {
    // SERVICE_UNKNOWN where the specification has NOT_FOUND: probes read both as unhealthy.
    unary: new Map([['/grpc.health.v1.Health/Check', message => answer(readService(message))]]),
    serverStreams: new Map([
      [
        '/grpc.health.v1.Health/Watch',
        (message, _context, stream) => {
          const service = readService(message)
          stream.send(answer(service))
          if (watchers.size >= maxWatchers) {
            stream.end()
            return
          }
          watchers.set(stream, service)
          stream.onClose(() => watchers.delete(stream))
        },
      ],
    ]),
    setReady(next) {
      if (next === ready) return
      ready = next
      for (const [stream, service] of watchers) stream.send(answer(service))
    },
  }
}

/** Name of the service asked for; one that nothing has if the bytes do not decode. */
function readService(message: Uint8Array): string {
  try {
    return HealthCheckRequest.decode(message).service
  } catch {
    return 'undecodable'
  }
}
