#!/usr/bin/env node
import { endProcess } from './end-process.js'
import { run } from './run.js'

const abort = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => abort.abort())

process.exitCode = await run(process.argv.slice(2), {
  out: text => void process.stdout.write(`${text}\n`),
  err: text => void process.stderr.write(`${text}\n`),
  env: process.env,
  signal: abort.signal,
})
endProcess(process)
