import { join } from 'node:path'
import { startChild } from '../../../src/demo/child-process.js'
import { freePort } from '../../../src/demo/free-port.js'
import { httpReady } from '../../../src/demo/http-ready.js'
import { readyOrStopped } from '../../../src/demo/mcp-server.js'
import { isJsonObject, type JsonObject } from '../../../src/protocol/json-value.js'
import { parseStrictJson } from '../../../src/protocol/strict-json.js'
import { pythonPackages } from './python-packages.js'
import type { ReadingServer, Sighting } from './reading-server.js'

/** A server of the Python SDK without sessions. */
export async function startPythonServer(): Promise<ReadingServer> {
  const packages = await pythonPackages()
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const child = await startChild({
    name: 'python-mcp',
    command: 'python3',
    args: [join(import.meta.dirname, 'python_mcp.py'), String(port)],
    env: { PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: '1' },
  })
  const page = `${origin}/_sightings`
  await readyOrStopped(child, httpReady(page), 30_000)
  return {
    name: 'python',
    origin,
    async sightings() {
      const lines = (await (await fetch(page)).text()).split('\n')
      return lines.filter(line => line !== '').map(readSighting)
    },
    async forget() {
      await (await fetch(page, { method: 'DELETE' })).arrayBuffer()
    },
    stop: async () => void (await child.stop()),
  }
}

/** Through our own parser, because it keeps integers as they were written. */
function readSighting(line: string): Sighting {
  const read = parseStrictJson(Buffer.from(line), { maxMembers: 1_000_000, maxDepth: 1_000 })
  if (!read.ok || !isJsonObject(read.value)) throw new Error(`python-mcp read what is no strict JSON: ${line}`)
  const kind = text(read.value, 'kind')
  if (kind !== 'request' && kind !== 'notification') throw new Error(`python-mcp told of a ${kind}`)
  const params = read.value.get('params')
  const id = read.value.get('id')
  return {
    corpus: text(read.value, 'corpus'),
    ...{ kind, id: id === null ? undefined : id },
    method: text(read.value, 'method') ?? '',
    params: params === null ? undefined : params,
  }
}

function text(value: JsonObject, key: string): string | undefined {
  const member = value.get(key)
  return typeof member === 'string' ? member : undefined
}
