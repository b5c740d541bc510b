// How the program is bundled, for the build and for benchmarks that measure parts of it as they are shipped.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tsImport } from 'tsx/esm/api'

export const root = fileURLToPath(new URL('..', import.meta.url))
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

/**
 * Options of esbuild.
 * @param entryPoints by the names of the files that they become
 * @param outdir within the package, where those packages are found that are not in the bundle
 */
export function bundleOptions(entryPoints, outdir) {
  return {
    absWorkingDir: root,
    entryPoints,
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    chunkNames: 'chunks/[name]-[hash]',
    external: packages.filter(name => !bundled.has(name)),
    inject: [join(root, 'scripts/node-globals.mjs')],
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
    logLevel: 'warning',
  }
}
