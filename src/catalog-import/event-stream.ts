/**
 * Reads an event stream (WHATWG HTML, server-sent events) piece by piece and gives the data of each event that ended.
 * Ids, types and comments do not matter here. At the end of a stream an unfinished event is dropped, as the standard says.
 */
export class EventStreamReader {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })
  #rest = ''
  #data: string[] = []

  /** Throws a TypeError if the bytes are not UTF-8. */
  read(bytes: Uint8Array): readonly string[] {
    const events: string[] = []
    const text = this.#rest + this.#decoder.decode(bytes, { stream: true })
    // A carriage return at the very end may be half of a line end.
    const whole = text.endsWith('\r') ? text.slice(0, -1) : text
    const lines = whole.split(/\r\n|\r|\n/)
    this.#rest = (lines.pop() ?? '') + text.slice(whole.length)
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length > 0) events.push(this.#data.join('\n'))
        this.#data = []
      } else if (line === 'data') this.#data.push('')
      else if (line.startsWith('data:')) this.#data.push(line.slice(line.startsWith('data: ') ? 6 : 5))
    }
    return events
  }
}
