import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  type status,
} from '@grpc/grpc-js'
import { envoy } from '../../../gen/wire.js'
import { freePort } from '../../../src/demo/free-port.js'

const { CheckRequest } = envoy.service.auth.v3
const CHECK = '/envoy.service.auth.v3.Authorization/Check'

export type Http = envoy.service.auth.v3.AttributeContext.IHttpRequest

/** Bytes go out as they are; a code is a gRPC error; "never" leaves the question open. */
export type CheckAnswer = Uint8Array | { readonly code: status } | 'never'

export interface CheckServer {
  readonly port: number
  /** The request of every Check so far, as the gateway describes it. */
  readonly asked: readonly Http[]
  /** Who asks, of every Check so far: the address of the connection. */
  readonly addresses: readonly string[]
  /** How the next Checks are answered. */
  answer(how: (message: Buffer) => CheckAnswer | Promise<CheckAnswer>): void
  forget(): void
  stop(): Promise<void>
}

/** An external authorizer that knows no rules: it says what a test wants said, byte by byte, and remembers the questions. */
export async function startCheckServer(): Promise<CheckServer> {
  const port = await freePort()
  const asked: Http[] = []
  const addresses: string[] = []
  let how: (message: Buffer) => CheckAnswer | Promise<CheckAnswer> = () => 'never'
  const server = new Server({ 'grpc.max_receive_message_length': 64 * 1024 * 1024 })
  const bytes = (message: Buffer): Buffer => message
  server.register<Buffer, Buffer>(
    CHECK,
    ({ request }: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
      const { attributes } = CheckRequest.decode(request)
      asked.push(attributes?.request?.http ?? {})
      addresses.push(attributes?.source?.address?.socketAddress?.address ?? '')
      Promise.resolve(how(request)).then(
        answer => {
          if (answer === 'never') return
          if (answer instanceof Uint8Array) callback(null, Buffer.from(answer))
          else callback({ code: answer.code })
        },
        () => {},
      )
    },
    bytes,
    bytes,
    'unary',
  )
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), error =>
      error ? reject(error) : resolve(),
    )
  })
  return {
    port,
    asked,
    addresses,
    answer: next => {
      how = next
    },
    forget: () => {
      asked.length = 0
      addresses.length = 0
    },
    stop: async () => server.forceShutdown(),
  }
}

/** Hands Checks on to an authorizer, and its answers back, as they are. */
export function forwardChecks(port: number): {
  readonly forward: (message: Buffer) => Promise<Uint8Array>
  readonly stop: () => Promise<void>
} {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  const bytes = (message: Buffer): Buffer => message
  return {
    forward: message =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(CHECK, bytes, bytes, message, (error, answer) => {
          if (answer === undefined) reject(error ?? new Error('no answer'))
          else resolve(answer)
        })
      }),
    stop: async () => client.close(),
  }
}
