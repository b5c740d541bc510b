import { existsSync, readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { dirname, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { CpuProfile } from './summarize-profile.js'

/** The profile with the places of the sources in place of those of a bundle, where the bundle has a map beside it. */
export function atOriginalPlaces(profile: CpuProfile): CpuProfile {
  const maps = new Map<string, SourceMap | undefined>()
  const mapOf = (url: string): SourceMap | undefined => {
    if (!maps.has(url)) maps.set(url, readMap(url))
    return maps.get(url)
  }
  const nodes = profile.nodes.map(node => {
    const { url, lineNumber, columnNumber = 0 } = node.callFrame
    const entry = mapOf(url)?.findEntry(lineNumber, columnNumber)
    if (entry === undefined || !('originalSource' in entry)) return node
    const source = resolve(dirname(fileURLToPath(url)), entry.originalSource)
    const callFrame = { ...node.callFrame, url: pathToFileURL(source).href, lineNumber: entry.originalLine }
    return { ...node, callFrame }
  })
  return { ...profile, nodes }
}

function readMap(url: string): SourceMap | undefined {
  if (!url.startsWith('file:')) return undefined
  const file = `${fileURLToPath(url)}.map`
  return existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, 'utf8'))) : undefined
}
