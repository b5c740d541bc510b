// Holds the one-way arrows between the rooms of src/ (docs/architecture.md): a room imports only what stands below it.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const src = join(dirname(fileURLToPath(import.meta.url)), '..', 'src')

/** What each room may import beside itself; `documents` may be imported by every room. */
const allowed = {
  documents: [],
  cel: ['documents'],
  protocol: [],
  telemetry: ['protocol'],
  kube: ['protocol', 'documents'],
  config: ['documents', 'identity', 'kube', 'protocol'],
  identity: ['protocol', 'cel', 'kube', 'documents'],
  rbac: ['protocol', 'identity', 'kube', 'documents'],
  upstream: ['protocol', 'identity', 'documents'],
  policy: ['cel', 'protocol', 'identity', 'rbac', 'kube', 'documents'],
  decision: ['cel', 'protocol', 'identity', 'rbac', 'policy', 'upstream', 'documents', 'telemetry'],
  shadow: ['protocol', 'identity', 'rbac', 'policy', 'decision', 'documents', 'telemetry'],
  'catalog-import': ['protocol', 'rbac', 'documents'],
  'gateway-check': ['policy', 'decision', 'documents'],
  doors: ['decision', 'protocol', 'telemetry', 'documents'],
  workbench: ['cel', 'protocol', 'identity', 'rbac', 'policy', 'decision', 'documents', 'telemetry'],
  workers: ['config', 'telemetry', 'documents'],
  demo: [],
}

/** What every room may know: where the package is, and which, and how long work is put aside for others. */
const everywhere = ['package-root.js', 'package-version.js', 'sliced.js']

/** Doors do not know each other; they share the transport. */
const doors = {
  grpc: [],
  envoy: [],
  'ext-authz': ['grpc', 'envoy'],
  'ext-proc': ['grpc', 'envoy'],
  'ext-mcp': ['grpc', 'envoy'],
  http: ['grpc'],
}

const problems = []
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))
for (const file of files) {
  const [room, door] = file.split('/')
  if (!(room in allowed)) continue // service.ts and cli/ put the rooms together
  const text = readFileSync(join(src, file), 'utf8')
  for (const [, target] of text.matchAll(/(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g)) {
    const path = relative(src, resolve(src, dirname(file), target))
    if (path.startsWith('..') || everywhere.includes(path)) continue // generated codecs
    const [other, otherDoor] = path.split('/')
    if (other === room) {
      if (room === 'doors' && door !== otherDoor && !doors[door]?.includes(otherDoor))
        problems.push(`${file}: the door ${door} must not import the door ${otherDoor}`)
    } else if (!allowed[room].includes(other)) problems.push(`${file}: ${room} must not import ${other} (${target})`)
  }
}

/** Things that bugs of the past have taught us to look for; each with the only places where it is right. */
const words = [
  {
    pattern: /\bJSON\.parse\(/,
    only: /^(protocol|demo)\/|\.(?:test|fixture)\.ts$/,
    message: 'JSON.parse accepts duplicate keys; use parseStrictJson',
  },
  {
    pattern: /\bprocess\.exit\(/,
    only: /^(cli|demo)\/|\.(?:test|fixture)\.ts$/,
    message: 'only the command line ends the process',
  },
  {
    pattern: /\bnew URL\(/,
    only: /^(policy\/read-resource|protocol\/mcp\/resource-uri|config|demo|identity|service|cli)\b|\.(?:test|fixture)\.ts$/,
    message: 'a URL parser normalises what the gateway does not',
  },
  { pattern: /console\./, only: /^(cli|demo)\/|\.(?:test|fixture)\.ts$/, message: 'use a logger of telemetry/' },
]
for (const file of files) {
  const lines = readFileSync(join(src, file), 'utf8').split('\n')
  for (const { pattern, only, message } of words) {
    if (only.test(file)) continue
    for (const [index, line] of lines.entries())
      if (pattern.test(line)) problems.push(`${file}:${index + 1}: ${message}`)
  }
}

for (const problem of problems) process.stderr.write(`${problem}\n`)
process.exit(problems.length === 0 ? 0 : 1)
