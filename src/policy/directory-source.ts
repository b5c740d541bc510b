import { lstatSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Finding } from '../documents/finding.js'
import { holdsTests } from './holds-tests.js'
import type { PolicySource, SourceFile } from './source.js'

const maxFiles = 2000
const maxFileBytes = 1024 * 1024
const maxDepth = 8

export interface DirectorySourceOptions {
  /** A file counts as a directory that holds nothing else. */
  readonly directory: string
  readonly kinds?: readonly string[] | undefined
  /** Default 100; the shipped catalogues have 0, ConfigMaps 10. */
  readonly trust?: number
}

/**
 * The `.yaml` and `.yml` files below a directory, but for those named `*_test.yaml` that hold tests of policies. Names that
 * begin with a dot are passed over, which is what makes a mounted ConfigMap work: its files are links into `..data`, a link
 * that the kubelet swaps in one step.
 */
export function createDirectorySource({ directory, kinds, trust = 100 }: DirectorySourceOptions): PolicySource {
  return {
    name: directory,
    trust,
    kinds: kinds && new Set(kinds),
    fingerprint() {
      const listed = list(directory)
      if (typeof listed === 'string') return `error:${listed}`
      return listed.map(one => `${one.path}\0${'problem' in one ? one.problem : one.stamp}`).join('\n')
    },
    read() {
      const listed = list(directory)
      if (typeof listed === 'string') return { files: [], findings: [problem(directory, listed)], lost: true }
      const files: SourceFile[] = []
      const findings: Finding[] = []
      for (const one of listed) {
        if ('problem' in one) findings.push(problem(one.path, one.problem))
        else if (one.size > maxFileBytes)
          findings.push(problem(one.path, `larger than ${maxFileBytes} bytes; split it into several files`))
        else
          try {
            const text = readFileSync(one.path, 'utf8')
            if (!holdsTests(one.path, text)) files.push({ name: shown(one.path), text })
          } catch (error) {
            findings.push(problem(one.path, `cannot be read: ${codeOf(error)}`))
          }
      }
      return { files, findings }
    },
  }
}

type Listed =
  | { readonly path: string; readonly size: number; readonly stamp: string }
  | { readonly path: string; readonly problem: string }

/** A string says why the directory could not be looked through: nothing is known of what it holds. */
function list(directory: string): readonly Listed[] | string {
  const found: Listed[] = []
  const visit = (folder: string, depth: number): string | undefined => {
    if (depth > maxDepth) return `folders are nested deeper than ${maxDepth}`
    for (const name of readdirSync(folder).sort()) {
      if (name.startsWith('.')) continue
      const path = join(folder, name)
      const document = isDocument(name)
      const stat = look(path)
      if (stat === undefined) continue
      if (typeof stat === 'string') {
        // Of another name it may be a folder full of documents: then nothing is known.
        if (!document) return `${shown(path)} ${stat}`
        found.push({ path, problem: stat })
      } else if (stat.isDirectory()) {
        const wrong = visit(path, depth + 1)
        if (wrong !== undefined) return wrong
      } else if (stat.isFile() && document) found.push({ path, ...sizeAndStamp(stat) })
      if (found.length > maxFiles) return `more than ${maxFiles} files`
    }
    return undefined
  }
  try {
    const only = statSync(directory)
    if (only.isFile() && isDocument(directory)) return [{ path: directory, ...sizeAndStamp(only) }]
    return visit(directory, 0) ?? found
  } catch (error) {
    return `cannot be read: ${codeOf(error)}`
  }
}

function isDocument(name: string): boolean {
  return /\.ya?ml$/.test(name)
}

function sizeAndStamp({ ino, size, mtimeMs, ctimeMs }: Stats): { readonly size: number; readonly stamp: string } {
  return { size, stamp: `${ino}:${size}:${mtimeMs}:${ctimeMs}` }
}

/**
 * What stands at a path; a string says why that cannot be told. undefined: it went away meanwhile, or is a link to
 * nothing under a name that no document has.
 */
function look(path: string): Stats | string | undefined {
  try {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat !== undefined) return stat
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined || !isDocument(path)) return undefined
    return 'is a link to something that is not there'
  } catch (error) {
    return `cannot be read: ${codeOf(error)}`
  }
}

/** As users would write it: relative where that is shorter, absolute outside the current directory. */
function shown(path: string): string {
  const near = relative(process.cwd(), path)
  return near === '' || near.startsWith('..') ? path : near
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
}

function problem(file: string, message: string): Finding {
  const location = { file: shown(file), document: 1, line: 1, column: 1 }
  return { severity: 'error', location, subject: '', path: '', message, hint: undefined }
}
