import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import type { Finding } from '../../documents/finding.js'
import { documentLimits, readDocuments } from '../../documents/read-documents.js'
import type { PolicyTest } from './policy-test.js'
import { readPolicyTest } from './read-policy-test.js'

const maxFiles = 2000
const maxDepth = 16

export interface FoundTests {
  readonly tests: readonly PolicyTest[]
  readonly findings: readonly Finding[]
  readonly files: readonly string[]
}

/**
 * The tests in files named `*_test.yaml` (or `.yml`), and below directories, in the order of names. Names that begin with a
 * dot, and `node_modules`, are passed over. Throws where a path cannot be read at all.
 */
export function findTests(paths: readonly string[]): FoundTests {
  const files = [...new Set(paths.flatMap(path => list(path)).map(file => resolve(file)))]
  const tests: PolicyTest[] = []
  const findings: Finding[] = []
  for (const file of files) {
    const name = shown(file)
    if (statSync(file).size > documentLimits.bytes) {
      const location = { file: name, document: 1, line: 1, column: 1 }
      const message = `the file is larger than ${documentLimits.bytes / 1024 / 1024} MiB`
      findings.push({
        severity: 'error',
        location,
        subject: '',
        path: '',
        message,
        hint: 'split it into several files',
      })
      continue
    }
    const read = readDocuments(name, readFileSync(file, 'utf8'))
    findings.push(...read.findings)
    for (const document of read.documents) {
      const one = readPolicyTest(document)
      findings.push(...one.findings)
      if (one.value !== undefined) tests.push(one.value)
    }
  }
  return { tests, findings, files }
}

function list(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) {
    if (!isTestFile(path)) throw new Error(`${path} is no file of tests: the names of those end in _test.yaml`)
    return [path]
  }
  const found: string[] = []
  const visit = (folder: string, depth: number): void => {
    if (depth > maxDepth) throw new Error(`${folder}: folders are nested deeper than ${maxDepth}`)
    for (const name of readdirSync(folder).sort()) {
      if (name.startsWith('.') || name === 'node_modules') continue
      const full = join(folder, name)
      const stat = statSync(full, { throwIfNoEntry: false })
      if (stat?.isDirectory() === true) visit(full, depth + 1)
      else if (stat?.isFile() === true && isTestFile(name)) found.push(full)
      if (found.length > maxFiles) throw new Error(`${path} holds more than ${maxFiles} files of tests`)
    }
  }
  visit(path, 0)
  return found
}

export function isTestFile(name: string): boolean {
  return /_test\.ya?ml$/.test(name)
}

function shown(path: string): string {
  const near = relative(process.cwd(), path)
  return near === '' || near.startsWith('..') ? path : near
}
