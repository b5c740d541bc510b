// Builds dist/: the program and those packages that it loads at each start, in few files, because finding and compiling
// some nine hundred modules takes most of the time and memory of a start. What is loaded on demand stays a package of its own.
// Types are not looked at: that is `npm run typecheck`.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { bundleOptions, root } from './bundle-options.mjs'

const out = join(root, 'dist')
const entryPoints = { 'cli/main': 'src/cli/main.ts', 'cli/worker-main': 'src/cli/worker-main.ts' }
const { metafile, outputFiles } = await build({ ...bundleOptions(entryPoints, out), metafile: true, write: false })

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
