import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../src/package-root.js'

export interface MarkdownFile {
  /** Below the root of the package. */
  readonly name: string
  readonly text: string
}

export interface CodeBlock {
  readonly file: string
  /** Line of the opening fence, from 1. */
  readonly line: number
  readonly language: string
  readonly text: string
  /** Whether a comment before it says that it cannot be compiled, and why. */
  readonly notCompiled: boolean
}

/** README.md and every Markdown file below docs/. */
export function markdownFiles(): readonly MarkdownFile[] {
  const docs = readdirSync(join(packageRoot, 'docs'), { recursive: true, encoding: 'utf8' })
  const names = ['README.md', ...docs.filter(name => name.endsWith('.md')).map(name => join('docs', name))]
  return names.sort().map(readMarkdown)
}

export function readMarkdown(name: string): MarkdownFile {
  return { name, text: readFileSync(join(packageRoot, name), 'utf8') }
}

const opening = /^( *)(`{3,}) *([a-z]*)/
const exemption = /^ *<!-- not compiled: .+ -->$/

export function codeBlocks({ name, text }: MarkdownFile): readonly CodeBlock[] {
  const blocks: CodeBlock[] = []
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const [matched, indent = '', fence = '', language = ''] = opening.exec(lines[at] ?? '') ?? []
    if (matched === undefined) continue
    const start = at
    const body: string[] = []
    for (at++; at < lines.length && lines[at]?.trim() !== fence; at++) body.push(cut(lines[at] ?? '', indent))
    const notCompiled = lines.slice(Math.max(0, start - 2), start).some(line => exemption.test(line))
    blocks.push({ file: name, line: start + 1, language, text: `${body.join('\n')}\n`, notCompiled })
  }
  return blocks
}

function cut(line: string, indent: string): string {
  return line.startsWith(indent) ? line.slice(indent.length) : line
}

/** The text without its code, so that what looks like a link or a heading there is not taken for one. */
export function prose({ text }: MarkdownFile): string {
  const kept: string[] = []
  let fence = ''
  for (const line of text.split('\n')) {
    const [, , marks = ''] = opening.exec(line) ?? []
    if (fence === '' && marks !== '') fence = marks
    else if (fence !== '') fence = line.trim() === fence ? '' : fence
    else kept.push(line)
  }
  return kept.join('\n')
}

export interface Link {
  /** Path as written, "" for the same file. */
  readonly path: string
  readonly anchor: string
}

/** Links inside the package; those to the web are passed over. */
export function relativeLinks(file: MarkdownFile): readonly Link[] {
  const text = prose(file).replaceAll(/`[^`\n]*`/g, 'code')
  const targets = [...text.matchAll(/\]\(([^()\s]+)\)|^\[[^\]]+\]: (\S+)$/gm)].map(([, inline, reference]) => {
    return inline ?? reference ?? ''
  })
  return targets
    .filter(target => !/^[a-z][a-z0-9+.-]*:/.test(target))
    .map(target => {
      const [path = '', anchor = ''] = target.split('#')
      return { path, anchor }
    })
}

/** The anchors of the headings, as GitHub makes them. */
export function anchors(file: MarkdownFile): ReadonlySet<string> {
  const found = new Set<string>()
  for (const [, heading = ''] of prose(file).matchAll(/^#{1,6} +(.+)$/gm)) {
    const slug = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
    let unique = slug
    for (let count = 1; found.has(unique); count++) unique = `${slug}-${count}`
    found.add(unique)
  }
  return found
}

/** Cells of the rows of every table below a heading, up to the next heading of any level; without header rows. */
export function tableRows(file: MarkdownFile, heading: string): readonly (readonly string[])[] {
  const lines = prose(file).split('\n')
  const start = lines.findIndex(line => /^#{1,6} /.test(line) && line.replace(/^#+ /, '') === heading)
  if (start < 0) return []
  const end = lines.findIndex((line, at) => at > start && /^#{1,6} /.test(line))
  const section = lines.slice(start + 1, end < 0 ? lines.length : end)
  return section
    .filter((line, at) => line.startsWith('|') && !isRule(line) && !isRule(section[at + 1] ?? ''))
    .map(line =>
      line
        .slice(1, line.lastIndexOf('|'))
        .split(/(?<!\\)\|/)
        .map(cell => cell.trim()),
    )
}

function isRule(line: string): boolean {
  return /^\|(?:-+\|)+$/.test(line)
}
