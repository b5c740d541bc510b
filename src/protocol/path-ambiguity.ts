import { percentByte } from './percent-encoding.js'

const maxPathLength = 2048
const visibleAscii = /^[\x21-\x7e]+$/

/**
 * Why two servers could read a raw path differently, or undefined. Refused, never normalized: encoded "/", "\", "." and
 * "%", encodings that are broken or hide a control character, empty and dot segments (also with path parameters, "/..;/"),
 * backslashes, fragments, and everything outside visible ASCII (CVE-2021-29492, CVE-2026-26205).
 */
export function pathAmbiguity(path: string): string | undefined {
  if (path.length > maxPathLength) return `The path is longer than ${maxPathLength} characters.`
  if (!path.startsWith('/')) return 'The path must begin with "/".'
  if (!visibleAscii.test(path)) return 'The path holds a character that is not visible ASCII.'
  if (path.includes('#') || path.includes('\\')) return 'The path holds a "#" or a "\\".'
  if (path.includes('//')) return 'The path holds an empty segment.'
  if (hasDotSegment(path)) return 'The path holds a "." or ".." segment.'
  for (let at = path.indexOf('%'); at >= 0; at = path.indexOf('%', at + 3)) {
    const byte = percentByte(path, at)
    if (byte < 0) return 'The path holds a "%" that begins no percent-encoding.'
    if (byte < 0x20 || byte === 0x7f || byte === 0x2f || byte === 0x5c || byte === 0x2e || byte === 0x25) {
      return 'The path holds an encoded "/", "\\", ".", "%" or control character.'
    }
  }
  return undefined
}

/** A "." or ".." between slashes. "..;x" counts, because some servers cut path parameters first. Linear. */
export function hasDotSegment(path: string): boolean {
  for (let at = path.indexOf('.'); at >= 0; at = path.indexOf('.', at + 1)) {
    if (at > 0 && path.charCodeAt(at - 1) !== 0x2f) continue
    const end = path.charCodeAt(at + 1) === 0x2e ? at + 2 : at + 1
    if (end === path.length || path.charCodeAt(end) === 0x2f || path.charCodeAt(end) === 0x3b) return true
  }
  return false
}
