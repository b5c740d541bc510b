import { describe, expect, it } from 'vitest'
import { createCelEnvironment } from './create-environment.js'
import { type CelInput, CostBudget } from './environment.js'

const environment = createCelEnvironment({
  time: 'google.protobuf.Timestamp',
  text: 'string',
  pattern: 'string',
  zone: 'string',
})

function costOf(source: string, inputs: Readonly<Record<string, CelInput>>): number {
  const compiled = environment.compile(source)
  if (!compiled.ok) throw new Error(compiled.error.message)
  const budget = new CostBudget(100_000)
  expect(compiled.program.evaluate(name => inputs[name], budget)).toMatchObject({ ok: true })
  return 100_000 - budget.left
}

/** An outcome that is close to its budget must not depend on what others have evaluated before. */
describe('what is kept between evaluations', () => {
  const inputs = { time: new Date(0), text: 'abcabc' }
  let made = 0

  it.each([
    [
      'a time zone',
      'time.getHours(zone) >= 0',
      () => ({ zone: ['Asia/Dili', 'Asia/Hovd', 'Asia/Oral'][made++] ?? '' }),
    ],
    ['a pattern', 'text.matches(pattern)', () => ({ pattern: `abc|${made++}` })],
    ['a pattern of find', 'text.find(pattern) != ""', () => ({ pattern: `abc|${made++}` })],
    ['a pattern of regex', 'regex.extract(text, pattern).hasValue()', () => ({ pattern: `abc|${made++}` })],
  ])('costs each of them the same: %s', (_name, source, more) => {
    const given = { ...inputs, ...more() }
    const first = costOf(source, given)
    expect(costOf(source, given)).toBe(first)
    expect(costOf(source, given)).toBe(first)
  })

  it('is paid for once in an evaluation', () => {
    const given = { ...inputs, pattern: 'b|c|abcabc', zone: 'Asia/Tokyo' }
    const [one, two] = ['text.find(pattern) != ""', 'text.find(pattern) != "" && text.find(pattern) != "a"']
    expect(costOf(two, given)).toBeLessThan(costOf(one, given) + 50)
    const [hour, day] = ['time.getHours(zone) >= 0', 'time.getHours(zone) >= 0 && time.getDate(zone) >= 0']
    expect(costOf(day, given)).toBeLessThan(costOf(hour, given) + 50)
    expect(costOf(hour, given)).toBeGreaterThan(2000)
  })

  it('is free where it was made at load', () => {
    expect(costOf('time.getHours("Asia/Kabul") >= 0', inputs)).toBeLessThan(30)
    expect(costOf('text.find("(b|c)+(abcabc)?[0-9]*x?") == ""', inputs)).toBeLessThan(30)
    expect(costOf('text.findAll("(b|c)+(abcabc)?[0-9]*").size() == 2', inputs)).toBeLessThan(60)
    expect(costOf('regex.replace(text, "(b|c)+(abcabc)?[0-9]*", "") == "aa"', inputs)).toBeLessThan(60)
  })
})

describe('constant patterns', () => {
  it.each([
    'text.find("(")',
    'text.findAll("[")',
    'text.findAll("[", 1)',
    'regex.extract(text, "a(?=b)")',
    'regex.replace(text, "*", "")',
  ])('that RE2 refuses do not compile: %s', source => {
    expect(environment.compile(source)).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('not a regular expression of RE2'), column: source.indexOf('"') + 1 },
    })
  })
})

describe('names of time zones', () => {
  it('are as they are written, as in Kubernetes', () => {
    expect(environment.compile('time.getHours("europe/berlin")')).toMatchObject({ ok: false })
    expect(environment.compile('time.getHours("Asia/Calcutta") + time.getHours("EST")')).toMatchObject({ ok: true })
  })
})
