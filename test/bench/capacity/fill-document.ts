import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../../src/package-root.js'
import type { Section } from './table.js'

const end = '<!-- end of table -->'

/** Puts each table between its two markers. Throws when a section has none, so that no table is forgotten. */
export function fillDocument(document: string, sections: readonly Section[]): string {
  return sections.reduce((text, { name, markdown }) => {
    const begin = `<!-- table: ${name} -->`
    const from = text.indexOf(begin)
    const to = text.indexOf(end, from)
    if (from < 0 || to < 0) throw new Error(`there is no place for the table "${name}"`)
    return `${text.slice(0, from + begin.length)}\n\n${markdown}\n\n${text.slice(to)}`
  }, document)
}

/** The documents that have tables of ours, each with those. */
export function documentsOf(sections: readonly Section[]): ReadonlyMap<string, readonly Section[]> {
  const names = new Set(sections.map(nameOf))
  return new Map([...names].map(name => [name, sections.filter(section => nameOf(section) === name)]))
}

function nameOf({ document = 'capacity.md' }: Section): string {
  return document
}

export function readDocument(name: string): string {
  return readFileSync(join(packageRoot, 'docs', name), 'utf8')
}

export function writeDocument(name: string, text: string): void {
  writeFileSync(join(packageRoot, 'docs', name), text)
}
