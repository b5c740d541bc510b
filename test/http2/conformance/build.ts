import { buildGoClient } from './go-program.js'

// Builds the clients in Go, so that no test has to wait for it. Status 1: one does not build.
for (const name of ['h2spec', 'grpc-go'] as const) {
  const build = await buildGoClient(name)
  if (build.built) process.stdout.write(`${build.program}\n`)
  else {
    process.stderr.write(`${build.message}\n`)
    if (build.why !== 'no-go') process.exitCode = 1
  }
}
