// The twin of go-floor on @grpc/grpc-js: it reads the CheckRequest and allows. It reports its port as the program does.
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { envoy } from '../../../gen/wire.js'

const { CheckRequest, CheckResponse } = envoy.service.auth.v3
const bytes = message => message
const unary = { requestStream: false, responseStream: false, requestSerialize: bytes, responseDeserialize: bytes }
const check = {
  ...unary,
  path: '/envoy.service.auth.v3.Authorization/Check',
  requestDeserialize: message => CheckRequest.decode(message),
  responseSerialize: answer => CheckResponse.encode(answer).finish(),
}
/** Envoy asks for it before it sends anything else: SERVING, whatever is asked about. */
const health = { ...unary, path: '/grpc.health.v1.Health/Check', requestDeserialize: bytes, responseSerialize: bytes }
const serving = Buffer.from([8, 1])
const server = new Server()
server.addService(
  { check, health },
  {
    check: ({ request }, answer) =>
      answer(null, { status: { code: request.attributes?.request?.http?.method === 'POST' ? 0 : 7 }, okResponse: {} }),
    health: (_call, answer) => answer(null, serving),
  },
)
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error
  process.stderr.write(`{"message":"listening","listener":"ext-authz","address":"127.0.0.1:${port}"}\n`)
  process.stderr.write('{"message":"ready"}\n')
})
process.on('SIGTERM', () => server.forceShutdown())
