// The reference: our transport and our codec around nothing. Usage: node floor-server.mjs ROOT, where ROOT is the folder
// of the program's modules. It reports its port like the program does.
import { envoy } from '../../gen/wire.js'

const root = new URL(`../../${process.argv[2]}/doors/`, import.meta.url).href
const { createGrpcJsTransport } = await import(`${root}grpc/grpc-js-transport.js`)
const { extAuthzService } = await import(`${root}ext-authz/ext-authz-door.js`)
const { CheckRequest, CheckResponse } = envoy.service.auth.v3

/** As many headers as the pipeline sets for a person who acts through an agent. */
const headers = ['decision-id', 'policy-revision', 'user', 'groups', 'agent'].map(name => ({
  header: { key: `x-mcp-authz-${name}`, value: '0f8e7a52-53b1-4f52-9b7e-3f4f3a0f2c11' },
  append: { value: false },
  appendAction: envoy.config.core.v3.HeaderValueOption.HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
}))

const check = message => {
  const method = CheckRequest.decode(message).attributes?.request?.http?.method
  return CheckResponse.encode({ status: { code: method === 'POST' ? 0 : 7 }, okResponse: { headers } }).finish()
}

const transport = createGrpcJsTransport([{ unary: new Map([[`/${extAuthzService}/Check`, check]]) }], {
  address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
  onError: message => process.stderr.write(`${message}\n`),
})
const { host, port } = await transport.start()
process.stderr.write(`${JSON.stringify({ message: 'listening', listener: 'ext-authz', address: `${host}:${port}` })}\n`)
process.stderr.write(`${JSON.stringify({ message: 'ready' })}\n`)
process.on('SIGTERM', () => transport.stop())
