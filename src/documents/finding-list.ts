import type { Finding } from './finding.js'

/** Errors, and as many warnings, of one document that are listed; who has more of them has one mistake, many times. */
export const mostFindings = 100

/** Collects findings. Those beyond the limit are counted only: one document must not fill the memory, or the log. */
export class FindingList {
  readonly #listed: Finding[] = []
  readonly #counts = new Map<string, Count>()

  add(finding: Finding): void {
    const { severity, location } = finding
    const key = `${severity}\0${location.file}\0${location.document}`
    const count = this.#counts.get(key)
    if (count === undefined) this.#counts.set(key, { last: finding, more: 1 - mostFindings })
    else {
      count.more++
      if (count.more > 0) return
      count.last = finding
    }
    this.#listed.push(finding)
  }

  get all(): readonly Finding[] {
    const all = [...this.#listed]
    for (const { last, more } of this.#counts.values()) if (more > 0) all.push(andMore(last, more))
    return all
  }
}

/** The same findings, of each document those within the limit. */
export function limitFindings(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length <= mostFindings) return findings
  const list = new FindingList()
  for (const finding of findings) list.add(finding)
  return list.all
}

interface Count {
  /** That is listed. */
  last: Finding
  /** Beyond the limit; below 0 while there is room. */
  more: number
}

function andMore({ severity, location, subject }: Finding, more: number): Finding {
  const what = more === 1 ? severity : `${severity}s`
  const hint = 'they most likely have one cause: mend one of them, and look again'
  return { severity, location, subject, path: '', message: `and ${more} more ${what} in this document`, hint }
}
