import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { afterAll, expect, it } from 'vitest'
import { packageRoot } from '../../../src/package-root.js'
import { atOriginalPlaces } from './original-places.js'

const directory = mkdtempSync(join(tmpdir(), 'mcp-authz-places-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const source = join(packageRoot, 'src/package-root.ts')
const lineOf = 'function findPackageRoot('

it('names the source of a function in a bundle, and leaves all else', async () => {
  const outfile = join(directory, 'bundle.js')
  const options = {
    bundle: true,
    platform: 'node',
    format: 'esm',
    minifyWhitespace: true,
    sourcemap: 'linked',
  } as const
  await build({ ...options, entryPoints: [source], outfile })
  const columnNumber = readFileSync(outfile, 'utf8').split('\n')[0]?.indexOf(lineOf) ?? -1
  expect(columnNumber).toBeGreaterThan(0)
  const frame = (url: string, lineNumber: number) => ({ functionName: 'f', url, lineNumber, columnNumber })
  const profile = {
    nodes: [
      { id: 1, callFrame: frame(pathToFileURL(outfile).href, 0) },
      { id: 2, callFrame: frame('node:net', 7) },
      { id: 3, callFrame: frame(pathToFileURL(source).href, 8) },
    ],
    samples: [1],
    timeDeltas: [1],
  }
  const [first, ...others] = atOriginalPlaces(profile).nodes
  const line = readFileSync(source, 'utf8')
    .split('\n')
    .findIndex(text => text.startsWith(lineOf))
  expect(first?.callFrame).toMatchObject({ url: pathToFileURL(source).href, lineNumber: line })
  expect(others).toEqual(profile.nodes.slice(1))
})
