import { describe, expect, it } from 'vitest'
import { documentsOf, fillDocument, readDocument } from './fill-document.js'
import { readInputs } from './inputs.js'
import { simulate } from './simulate.js'
import { estate } from './traffic.js'

const sections = simulate(readInputs(), estate)

describe.each([...documentsOf(sections)])('docs/%s', (file, own) => {
  const document = readDocument(file)

  it.each(own)('has the table "$name" as the simulator prints it', ({ name, markdown }) => {
    const [, after = ''] = document.split(`<!-- table: ${name} -->`)
    expect(after.slice(0, after.indexOf('<!-- end of table -->')).trim()).toBe(markdown)
  })

  it('has no other table of that kind', () => {
    const named = [...document.matchAll(/<!-- table: (\S+) -->/g)].map(([, name]) => name)
    expect(named.sort()).toEqual(own.map(({ name }) => name).sort())
  })

  it('is not changed by filling it again', () => {
    expect(fillDocument(document, own)).toBe(document)
  })
})

describe('the simulator', () => {
  it('says the same for the same inputs', () => {
    expect(simulate(readInputs(), estate)).toEqual(sections)
  })

  it('has a number for everything', () => {
    for (const { name, markdown } of sections) expect(markdown, name).not.toMatch(/NaN|undefined|Infinity/)
  })
})
