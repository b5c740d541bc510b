import { describe, expect, it } from 'vitest'
import type { Finding } from './finding.js'
import { FindingList, limitFindings, mostFindings } from './finding-list.js'

const finding = (n: number, of: Partial<Finding['location']> = {}, severity: Finding['severity'] = 'warning') => ({
  severity,
  location: { file: 'a.yaml', document: 1, line: n, column: 1, ...of },
  subject: 'Guardrail/g',
  path: `spec.match.tools[${n}]`,
  message: 'no tool',
  hint: undefined,
})

describe('findings of one document', () => {
  it('are all listed within the limit', () => {
    const all = Array.from({ length: mostFindings }, (_, n) => finding(n))
    expect(limitFindings(all)).toEqual(all)
  })

  it('beyond it are counted, behind the others', () => {
    const all = Array.from({ length: 200_000 }, (_, n) => finding(n))
    const listed = limitFindings(all)
    expect(listed.slice(0, mostFindings)).toEqual(all.slice(0, mostFindings))
    expect(listed.slice(mostFindings)).toEqual([
      {
        ...finding(mostFindings - 1),
        path: '',
        message: 'and 199900 more warnings in this document',
        hint: 'they most likely have one cause: mend one of them, and look again',
      },
    ])
  })

  it('hide no error behind warnings, and nothing of another document', () => {
    const list = new FindingList()
    for (let n = 0; n <= mostFindings; n++) list.add(finding(n))
    const others = [finding(1, {}, 'error'), finding(1, { document: 2 }), finding(1, { file: 'b.yaml' })]
    for (const other of others) list.add(other)
    expect(list.all).toEqual(expect.arrayContaining(others))
    expect(list.all.map(({ message }) => message)).toContain('and 1 more warning in this document')
    expect(list.all).toHaveLength(mostFindings + 1 + others.length)
  })
})
