import { Client, credentials } from '@grpc/grpc-js'
import { grpc } from '../../../gen/wire.js'

const { HealthCheckRequest, HealthCheckResponse } = grpc.health.v1

export interface HealthWatch {
  /** Every status that was told, in order: SERVING, NOT_SERVING, … */
  readonly told: readonly string[]
  stop(): Promise<void>
}

/** Follows the standard gRPC health service, as load balancers do. */
export function watchHealth(port: number, service = ''): HealthWatch {
  const told: string[] = []
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  const call = client.makeServerStreamRequest(
    '/grpc.health.v1.Health/Watch',
    (name: string) => Buffer.from(HealthCheckRequest.encode({ service: name }).finish()),
    bytes => HealthCheckResponse.ServingStatus[HealthCheckResponse.decode(bytes).status],
    service,
  )
  call.on('data', (status: string) => void told.push(status))
  // The server may go away at any time; what it told before counts.
  call.on('error', () => {})
  return {
    told,
    async stop() {
      call.cancel()
      client.close()
    },
  }
}
