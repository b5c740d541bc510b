import { serveAsWorker } from '../serve-as-worker.js'

// What `serve` starts with more than one worker; see src/workers/README.md.
const abort = new AbortController()
process.on('SIGTERM', () => abort.abort())
// A terminal sends it to all of them; the primary tells when to end, and answers are wanted until then.
process.on('SIGINT', () => undefined)

// Nothing is waited for any more: a collector that hangs must not hold up the others.
process.exit(await serveAsWorker({ process, env: process.env, signal: abort.signal }))
