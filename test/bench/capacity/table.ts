/** One table: what a document shows between two markers. */
export interface Section {
  /** In docs; default capacity.md. */
  readonly document?: 'capacity.md' | 'performance.md'
  readonly name: string
  readonly markdown: string
}

/** A table in markdown; numbers stand to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`
  const isNumber = (at: number) => rows.every(row => /^[<>≈~]?[\d.,]+(?: %| ×)?$|^–$/.test(String(row[at] ?? '')))
  return [line(head), line(head.map((_, at) => (isNumber(at) ? '--:' : '---'))), ...rows.map(line)].join('\n')
}

/** With thousands apart, and no more digits than mean something. */
export function amount(value: number): string {
  const rounded = value >= 1000 ? Number(value.toPrecision(3)) : value
  const digits = rounded >= 10 || Number.isInteger(rounded) ? 0 : rounded >= 1 ? 1 : 2
  return rounded.toFixed(digits).replace(/\B(?=(?:\d{3})+$)/g, ',')
}

export function percent(share: number): string {
  return `${share > 0 && share < 0.0095 ? (100 * share).toFixed(2) : (100 * share).toFixed(0)} %`
}

export function mebibytes(bytes: number): string {
  return amount(bytes / 2 ** 20)
}

/** Something that ends somewhere. */
export interface Bound {
  readonly what: string
  /** Both in the same unit. */
  readonly used: number
  readonly limit: number
  /** What moves it. */
  readonly setting: string
}

/** The one that is nearest to its end, or furthest beyond it. */
export function firstToBreak(bounds: readonly Bound[]): Bound {
  const [first] = [...bounds].sort((a, b) => b.used / b.limit - a.used / a.limit)
  if (first === undefined) throw new Error('nothing is bounded')
  return first
}

export function printBreak({ what, used, limit, setting }: Bound): string {
  const share = used / limit
  const says = share > 1 ? `beyond its end (${amount(share)} ×)` : `at ${percent(share)} of its end`
  return `${what}, ${says}: ${setting}`
}
