// Builds dist/: the program and those packages that it loads at each start, in few files, because finding and compiling
// some nine hundred modules takes most of the time and memory of a start. What is loaded on demand stays a package of its own.
// Types are not looked at: that is `npm run typecheck`.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { tsImport } from 'tsx/esm/api'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = join(root, 'dist')
const bundled = new Set([
  '@grpc/grpc-js',
  '@opentelemetry/api',
  '@opentelemetry/api-logs',
  'jose',
  'pino',
  'prom-client',
  'protobufjs',
  're2js',
  'undici',
  'yaml',
  'zod',
])

const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
const packages = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })

/** The catalogues, which every start reads. Whoever edits one gets what he wrote: only a text of the same digest is known. */
const prepared = {
  name: 'prepared files',
  setup(build) {
    build.onLoad({ filter: /\/src\/documents\/prepared-files\.ts$/ }, async () => {
      const { prepareFile } = await tsImport('../src/documents/prepare-file.ts', import.meta.url)
      const folder = join(root, 'policies', 'catalogs')
      const files = (await readdir(folder)).filter(file => /\.ya?ml$/.test(file)).sort()
      const texts = await Promise.all(files.map(file => readFile(join(folder, file), 'utf8')))
      return {
        contents: `export const preparedFiles=[${texts.map((text, i) => prepareFile(files[i], text)).join(',')}]`,
      }
    })
  },
}

const { metafile, outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: { 'cli/main': 'src/cli/main.ts', 'cli/worker-main': 'src/cli/worker-main.ts' },
  outdir: out,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  chunkNames: 'chunks/[name]-[hash]',
  external: packages.filter(name => !bundled.has(name)),
  // Names stay, so that a stack or a profile tells what it is about; `node --enable-source-maps` tells lines as well.
  minifyWhitespace: true,
  minifySyntax: true,
  // Node shows the line of an error that nobody caught, as long as it is.
  lineLimit: 160,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'none',
  // Packages in CommonJS look for Node's own modules with it.
  banner: { js: "import{createRequire as toRequire}from'node:module';const require=toRequire(import.meta.url);" },
  plugins: [prepared],
  metafile: true,
  write: false,
  logLevel: 'warning',
})

for (const { entryPoint = '' } of Object.values(metafile.outputs))
  if (metafile.inputs[entryPoint]?.format === 'cjs')
    throw new Error(
      `import() of ${entryPoint} finds no names in the bundle: let a module of ours import it, and load that`,
    )

await rm(out, { recursive: true, force: true })
for (const folder of ['cli', 'chunks']) await mkdir(join(out, folder), { recursive: true })
for (const { path, contents } of outputFiles) await writeFile(path, contents)
await writeFile(join(out, 'THIRD-PARTY-LICENSES.txt'), await licenses(Object.keys(metafile.inputs)))

/** Of the packages whose files are in the bundle, their licences, which want to go where the code goes. */
async function licenses(inputs) {
  const folders = new Set()
  for (const input of inputs) {
    const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? []
    if (folder !== undefined) folders.add(folder)
  }
  const texts = []
  for (const folder of [...folders].sort()) {
    const { name, version, license } = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'))
    const files = (await readdir(join(root, folder))).filter(file => /^(?:licen[cs]e|notice)\b/i.test(file)).sort()
    if (license === undefined && files.length === 0) throw new Error(`${name} is bundled, and has no licence`)
    const parts = await Promise.all(files.map(file => readFile(join(root, folder, file), 'utf8')))
    texts.push([`${name} ${version} (${license})`, ...parts.map(part => part.trim())].join('\n\n'))
  }
  return `${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}
