import { createApiServer } from './create-api-server.js'

/** A process that asks an API server, closes, and has nothing more to do. Its argument says how. */
const { connection, variables, serviceAccountDirectory } = JSON.parse(process.argv[2] ?? '')
const longMs = 120_000
const api = createApiServer({
  ...{ cluster: 'local', connection, timeoutMs: longMs, maxInFlight: 2 },
  environment: { variables, serviceAccountDirectory, connectMs: longMs, execMs: longMs, pingMs: longMs },
})
const asked = Array.from({ length: 4 }, () => api.request({ method: 'GET', path: '/api' }))
api.follow({ path: '/api?watch=1', silenceMs: longMs, onLine() {}, onEnd() {} })
setTimeout(async () => {
  api.close()
  const answers = await Promise.all(asked)
  if (answers.every(answer => !answer.ok)) process.stdout.write('closed')
}, 1_500)
