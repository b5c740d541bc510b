import { applyFixes, diffOf } from '../workbench/check/fix.js'
import { writeFixed } from '../workbench/check/fixable-file.js'
import type { FixableFindings } from '../workbench/check/fixable-findings.js'

/** What was changed in one file. */
export interface FixedFile {
  readonly file: string
  readonly changes: number
  readonly diff: readonly string[]
}

/** Makes the changes that mend findings, file by file: of one file all, or none. Throws if a file was changed meanwhile. */
export function fixFiles(findings: FixableFindings): readonly FixedFile[] {
  const mending = findings.all.flatMap(({ fix }) => (fix?.effect === 'mends' ? [fix] : []))
  return [...new Set(mending.map(({ file }) => file))].sort().flatMap(path => {
    const file = findings.fileOf(path)
    if (file === undefined) return []
    const own = mending.filter(fix => fix.file === path)
    const { text, made } = applyFixes(file.text, own)
    if (text === file.text) return []
    writeFixed(file, text)
    return [{ file: path, changes: made.length, diff: made.flatMap(fix => diffOf(file.text, fix)) }]
  })
}
