import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createGrpcJsTransport } from '../../../src/doors/grpc/grpc-js-transport.js'
import type { BoundAddress, GrpcService } from '../../../src/doors/grpc/grpc-transport.js'
import { createNativeTransport } from '../../../src/doors/grpc/native/native-transport.js'

export const transports = { native: createNativeTransport, 'grpc-js': createGrpcJsTransport } as const
export type TransportName = keyof typeof transports

/** How a transport is reached: h2c by prior knowledge, TLS with ALPN and client certificates, or h2c over a unix socket. */
export type Line = 'h2c' | 'tls' | 'unix'

const fixtures = fileURLToPath(new URL('../../wire/fixtures/', import.meta.url))

/** PEM files of a gateway that the servers here know, and of the authority that it knows them by. */
export const clientFiles = {
  ca: join(fixtures, 'ca.pem'),
  cert: join(fixtures, 'gateway.pem'),
  key: join(fixtures, 'gateway.key.pem'),
} as const

export interface Served {
  readonly address: BoundAddress
  /** What the transport has said that belongs in the log. */
  readonly troubles: readonly string[]
  stop(): Promise<void>
}

/** Serves on a free port or a new socket, on this machine only. */
export async function serve(
  transport: TransportName,
  line: Line,
  services: readonly GrpcService[],
  options: { readonly maxConnectionAgeMs?: number } = {},
): Promise<Served> {
  const troubles: string[] = []
  const folder = line === 'unix' ? await mkdtemp(join(tmpdir(), 'conformance-')) : undefined
  const server = transports[transport](services, {
    address:
      folder === undefined ? { kind: 'tcp', host: '127.0.0.1', port: 0 } : { kind: 'unix', path: join(folder, 'grpc') },
    ...(line === 'tls' && {
      tls: { cert: join(fixtures, 'server.pem'), key: join(fixtures, 'server.key.pem'), clientCA: clientFiles.ca },
    }),
    ...options,
    onError: message => troubles.push(message),
  })
  return {
    address: await server.start(),
    troubles,
    stop: async () => {
      await server.stop()
      if (folder !== undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}
