import { describe, expect, it } from 'vitest'
import { describeIssue } from './describe-issue.js'
import { positionAt } from './position-at.js'

describe('positionAt', () => {
  it.each([
    ['a', 0, 1, 1],
    ['a', 1, 1, 2],
    ['a', 99, 1, 2],
    ['', 0, 1, 1],
    ['a\nb', 1, 1, 2],
    ['a\nb', 2, 2, 1],
    ['\n\n\n', 3, 4, 1],
    ['é😀x', 3, 1, 3],
    ['😀\n😀x', 5, 2, 2],
  ])('%j at %i is %i:%i', (source, at, line, column) => {
    expect(positionAt(source, at)).toEqual({ line, column })
  })
})

describe('describeIssue', () => {
  it.each([
    ['a + b', 4, 'ERROR: <input>:1:5: wrong\n | a + b\n | ....^'],
    ['a\n+ b\n+ c', 4, 'ERROR: <input>:2:3: wrong\n | + b\n | ..^'],
    ['a +', 3, 'ERROR: <input>:1:4: wrong\n | a +\n | ...^'],
    ['\ta\u001b', 1, 'ERROR: <input>:1:2: wrong\n |  a \n | .^'],
    ['é + 😀', 4, 'ERROR: <input>:1:5: wrong\n | é + 😀\n | ．...＾'],
    ['', 0, 'ERROR: <input>:1:1: wrong\n | \n | ^'],
  ])('%j at %i', (source, at, text) => {
    expect(describeIssue(source, { at, message: 'wrong' })).toBe(text)
  })

  it('shows the hint and the name', () => {
    expect(describeIssue('a', { at: 0, message: 'wrong', hint: 'write b' }, 'x.yaml')).toBe(
      'ERROR: x.yaml:1:1: wrong (write b)\n | a\n | ^',
    )
  })

  it.each([0, 50, 5000, 9999, 10_000])('shows of a long line what is around %i', at => {
    const source = `${'x'.repeat(at)}Y${'x'.repeat(10_000 - at)}`
    const [, line = '', dots = ''] = describeIssue(source, { at, message: 'wrong' }).split('\n | ')
    expect(line.length).toBeLessThanOrEqual(160)
    expect(dots.at(-1)).toBe(line[dots.length - 1] === '…' ? '＾' : '^')
    if (at < 10_000) expect(line[dots.length - 1]).toBe('Y')
  })
})
