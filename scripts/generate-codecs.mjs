// Generates the protobuf codecs of proto/ into gen/ (never committed): static encoders and decoders and their types.
// Runs offline; `npm run build` and `npm test` call it when proto/ is newer than gen/.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const protoDir = join(root, 'proto')
const outDir = join(root, 'gen')
const outJs = join(outDir, 'wire.js')
const outTypes = join(outDir, 'wire.d.ts')

const sources = readdirSync(protoDir, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.proto'))
  .map(name => join(protoDir, name))

const newest = Math.max(...[...sources, fileURLToPath(import.meta.url)].map(file => statSync(file).mtimeMs))
const fresh = [outJs, outTypes].every(file => (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) > newest)
if (fresh && !process.argv.includes('--force')) process.exit(0)

const require = createRequire(import.meta.url)
const { pbjs, pbts } = require('protobufjs-cli')
mkdirSync(outDir, { recursive: true })

await promisify(pbjs.main)([
  ...['--target', 'static-module', '--wrap', 'es6', '--path', protoDir, '--out', outJs],
  ...['--root', 'mcp-authz', '--force-number', '--no-delimited', '--no-verify', '--no-service', '--no-typeurl'],
  ...sources,
])
// Node resolves ES module imports by full path, and protobufjs is CommonJS: its namespace is the default export.
const generated = readFileSync(outJs, 'utf8').replace(
  /import \* as \$protobuf from "protobufjs\/minimal";/,
  'import $protobuf from "protobufjs/minimal.js";',
)
writeFileSync(outJs, generated)
await promisify(pbts.main)(['--out', outTypes, outJs])
