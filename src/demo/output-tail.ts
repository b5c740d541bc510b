import { StringDecoder } from 'node:string_decoder'

/** Longest line kept, in characters; the rest of a longer line is dropped. */
const MAX_LINE = 16_384

export interface OutputTail {
  readonly lines: readonly string[]
  /** The last `count` lines as one text. */
  tail(count: number): string
  add(line: string): void
}

/** Keeps the last `limit` lines of a program's output. */
export function createOutputTail(limit: number): OutputTail {
  const lines: string[] = []
  return {
    lines,
    tail: count => lines.slice(-count).join('\n'),
    add: line => {
      lines.push(line)
      if (lines.length > limit) lines.splice(0, lines.length - limit)
    },
  }
}

/** Splits chunks of bytes into lines; a chunk may end within a line and within a UTF-8 sequence. */
export function splitLines(onLine: (line: string) => void): { write(chunk: Buffer): void; end(): void } {
  const decoder = new StringDecoder('utf8')
  let open = ''
  const take = (text: string): void => {
    const parts = text.split('\n')
    const rest = parts.pop() ?? ''
    for (const part of parts) {
      onLine((open + part).slice(0, MAX_LINE).replace(/\r$/, ''))
      open = ''
    }
    open = (open + rest).slice(0, MAX_LINE)
  }
  return {
    write: chunk => take(decoder.write(chunk)),
    end: () => {
      take(decoder.end())
      if (open !== '') onLine(open)
      open = ''
    },
  }
}
