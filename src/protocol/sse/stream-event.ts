/** A piece of an event stream (WHATWG HTML, server-sent events): an event, or what stands between events. */
export interface StreamEvent {
  /** Exactly what the source sent: the pieces of a stream, one after another, are the stream. */
  readonly bytes: Uint8Array
  /** The lines of `data`, joined by line feeds; undefined if there is none, and then no client sees an event. */
  readonly data: Uint8Array | undefined
  /** Undefined if the source named none, which means `message`. */
  readonly type: string | undefined
  readonly id: string | undefined
  /** Milliseconds. */
  readonly retry: number | undefined
  /** False if the stream ended first. The standard drops such an event, but some clients read it. */
  readonly complete: boolean
}

interface Line {
  readonly start: number
  /** Behind the text. */
  readonly end: number
  /** Behind the line end. */
  readonly next: number
  /** The bytes of the value if the field is `data`. */
  readonly data: Uint8Array | undefined
}

const lf = 0x0a
const cr = 0x0d
const colon = 0x3a
const dataField = Buffer.from('data')

/** Reads the fields of the piece of a stream that is one event. */
export function readStreamEvent(bytes: Uint8Array, complete: boolean): StreamEvent {
  const data: Uint8Array[] = []
  let type: string | undefined
  let id: string | undefined
  let retry: number | undefined
  for (const line of linesOf(bytes)) {
    if (line.data !== undefined) {
      data.push(line.data)
      continue
    }
    const [name, value] = fieldOf(bytes.subarray(line.start, line.end))
    if (name === 'event') type = value === '' ? undefined : value
    else if (name === 'id' && !value.includes('\0')) id = value
    // Longer numbers are no time to wait, and not exact either.
    else if (name === 'retry' && /^[0-9]{1,15}$/.test(value)) retry = Number(value)
  }
  return { bytes, data: joined(data), type, id, retry, complete }
}

/**
 * The bytes of an event with other data. Its other fields and comments stay byte for byte, the new data stands where the
 * first line of the old data stood. Line ends within the data reach clients as line feeds.
 */
export function withData(event: StreamEvent, data: Uint8Array): Uint8Array {
  const { bytes } = event
  const pieces: Uint8Array[] = []
  let written = false
  for (const line of linesOf(bytes)) {
    if (line.data === undefined) {
      // A blank line must not become the other half of the carriage return before a line that is gone.
      if (bytes[line.start] === lf && pieces.at(-1)?.at(-1) === cr) pieces.push(Uint8Array.of(lf))
      pieces.push(bytes.subarray(line.start, line.next))
    } else if (!written) {
      written = true
      const lineEnd = bytes.subarray(line.end, line.next)
      const texts = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
        .toString('utf8')
        .split(/\r\n|\r|\n/)
      const between = lineEnd.length === 0 ? '\n' : Buffer.from(lineEnd).toString('latin1')
      pieces.push(Buffer.from(texts.map(text => `data: ${text}`).join(between)), lineEnd)
    }
  }
  return Buffer.concat(pieces)
}

function* linesOf(bytes: Uint8Array): Generator<Line> {
  for (let start = 0; start < bytes.length; ) {
    let end = start
    while (end < bytes.length && bytes[end] !== lf && bytes[end] !== cr) end++
    const next = Math.min(bytes.length, bytes[end] === cr && bytes[end + 1] === lf ? end + 2 : end + 1)
    yield { start, end, next, data: dataOf(bytes, start, end) }
    start = next
  }
}

function dataOf(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  const colonAt = start + dataField.length
  if (colonAt > end) return undefined
  for (const [index, code] of dataField.entries()) if (bytes[start + index] !== code) return undefined
  if (colonAt === end) return bytes.subarray(end, end)
  if (bytes[colonAt] !== colon) return undefined
  return bytes.subarray(bytes[colonAt + 1] === 0x20 && colonAt + 1 < end ? colonAt + 2 : colonAt + 1, end)
}

function fieldOf(line: Uint8Array): readonly [name: string, value: string] {
  const colonAt = line.indexOf(colon)
  // A comment, or a field that does not count.
  if (colonAt === 0 || (colonAt < 0 ? line.length : colonAt) > 'event'.length) return ['', '']
  const text = Buffer.from(line).toString('utf8')
  if (colonAt < 0) return [text, '']
  const value = text.slice(text.indexOf(':') + 1)
  return [text.slice(0, text.indexOf(':')), value.startsWith(' ') ? value.slice(1) : value]
}

function joined(lines: readonly Uint8Array[]): Uint8Array | undefined {
  const [first, ...rest] = lines
  if (first === undefined || rest.length === 0) return first
  const lineFeed = Uint8Array.of(lf)
  return Buffer.concat(lines.flatMap((line, index) => (index === 0 ? [line] : [lineFeed, line])))
}
