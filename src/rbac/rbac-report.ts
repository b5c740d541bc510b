import type { Finding } from '../documents/finding.js'
import type { PathSegment } from '../documents/source-document.js'

export type Path = readonly PathSegment[]

/** Takes a finding at a path inside the object that is checked. */
export type Report = (severity: Finding['severity'], path: Path, message: string, hint?: string) => void

export function some(list: readonly unknown[] | null | undefined): boolean {
  return list !== null && list !== undefined && list.length > 0
}
