import { randomUUID } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { readDocuments } from '../../documents/read-documents.js'

/** A file of a directory, as it stood when it was looked at. */
export interface FixableFile {
  readonly path: string
  readonly text: string
}

/**
 * Reads a file that may be changed. undefined: it is a link (what is mounted from a ConfigMap is), no file, no UTF-8, or holds
 * a ConfigMap, which is changed on its cluster and not here.
 */
export function readFixable(path: string): FixableFile | undefined {
  try {
    if (!lstatSync(path).isFile()) return undefined
    const bytes = readFileSync(path)
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const { documents } = readDocuments(path, text)
    return documents.some(({ kind }) => kind === 'ConfigMap' || kind === 'List') ? undefined : { path, text }
  } catch {
    return undefined
  }
}

/**
 * Writes a file anew, all of it or nothing: beside it under a name that no policy has, then in its place, with the same mode.
 * Throws if it is not as it was read any more.
 */
export function writeFixed({ path, text: before }: FixableFile, text: string): void {
  const beside = join(dirname(path), `.${basename(path)}.${randomUUID()}`)
  const { mode } = statSync(path)
  try {
    const file = openSync(beside, 'wx', mode)
    try {
      writeFileSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    chmodSync(beside, mode & 0o7777)
    if (readFixable(path)?.text !== before)
      throw new Error(`${path} was changed meanwhile; nothing is written, run check again`)
    renameSync(beside, path)
  } finally {
    rmSync(beside, { force: true })
  }
}
