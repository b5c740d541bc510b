import { buildKubeServer } from '../../src/demo/build-kube-server.js'

// Builds the API server that tests and the demo use, so that neither has to wait for it. Status 1: it does not build.
const build = await buildKubeServer(line => process.stderr.write(`${line}\n`))
if (build.built) process.stdout.write(`${build.program}\n`)
else process.stderr.write(`${build.message}\n`)
process.exitCode = build.built || build.why === 'no-go' ? 0 : 1
