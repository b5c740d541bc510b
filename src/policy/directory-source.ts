import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Finding } from '../documents/finding.js'
import type { PolicySource, SourceFile } from './source.js'

const maxFiles = 2000
const maxFileBytes = 1024 * 1024
const maxDepth = 8

export interface DirectorySourceOptions {
  readonly directory: string
  readonly kinds?: readonly string[] | undefined
  /** Default 100; the shipped catalogues have 0, ConfigMaps 10. */
  readonly trust?: number
}

/**
 * The `.yaml` and `.yml` files below a directory. Names that begin with a dot are passed over, which is what makes a
 * mounted ConfigMap work: its files are links into `..data`, a link that the kubelet swaps in one step.
 */
export function createDirectorySource({ directory, kinds, trust = 100 }: DirectorySourceOptions): PolicySource {
  return {
    name: directory,
    trust,
    kinds: kinds && new Set(kinds),
    fingerprint() {
      const listed = list(directory)
      if (typeof listed === 'string') return `error:${listed}`
      return listed.map(({ path, stamp }) => `${path}\0${stamp}`).join('\n')
    },
    read() {
      const listed = list(directory)
      if (typeof listed === 'string') return { files: [], findings: [problem(directory, listed)] }
      const files: SourceFile[] = []
      const findings: Finding[] = []
      for (const { path, size } of listed) {
        if (size > maxFileBytes) {
          findings.push(problem(path, `larger than ${maxFileBytes} bytes; split it into several files`))
          continue
        }
        try {
          files.push({ name: shown(path), text: readFileSync(path, 'utf8') })
        } catch (error) {
          findings.push(problem(path, `cannot be read: ${codeOf(error)}`))
        }
      }
      return { files, findings }
    },
  }
}

interface Listed {
  readonly path: string
  readonly size: number
  readonly stamp: string
}

function list(directory: string): Listed[] | string {
  const found: Listed[] = []
  const visit = (folder: string, depth: number): string | undefined => {
    if (depth > maxDepth) return `folders are nested deeper than ${maxDepth}`
    for (const name of readdirSync(folder).sort()) {
      if (name.startsWith('.')) continue
      const path = join(folder, name)
      const stat = statSync(path, { throwIfNoEntry: false })
      if (stat?.isDirectory()) {
        const wrong = visit(path, depth + 1)
        if (wrong !== undefined) return wrong
      } else if (stat?.isFile() && /\.ya?ml$/.test(name)) {
        found.push({ path, size: stat.size, stamp: `${stat.ino}:${stat.size}:${stat.mtimeMs}` })
        if (found.length > maxFiles) return `more than ${maxFiles} files`
      }
    }
    return undefined
  }
  try {
    return visit(directory, 0) ?? found
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
  const location = { file, document: 1, line: 1, column: 1 }
  return { severity: 'error', location, subject: '', path: '', message, hint: undefined }
}
