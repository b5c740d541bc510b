import { expect, it } from 'vitest'
import { RecentAnswers } from './recent-answers.js'

const answer = (name: string, bytes = 0) => ({ name, bytes })

it('remembers by server and key', () => {
  const answers = new RecentAnswers({ keyBytes: 10_000, answerBytes: 10_000 })
  const [pay, list] = [answer('pay'), answer('list')]
  answers.set('a', 'pay', pay)
  answers.set('b', 'pay', list)
  expect(answers.get('a', 'pay')).toBe(pay)
  expect(answers.get('b', 'pay')).toBe(list)
  expect(answers.get('a', 'list')).toBeUndefined()
  expect(answers.get('c', 'pay')).toBeUndefined()
})

it('forgets what nobody asks for, and keeps what is in use', () => {
  const answers = new RecentAnswers({ keyBytes: 10_000, answerBytes: 10_000 })
  answers.set('a', 'used', answer('used'))
  answers.set('a', 'unused', answer('unused'))
  for (let n = 0; n < 1000; n++) {
    answers.set('a', `invented-${n}`, answer('none'))
    expect(answers.get('a', 'used')).toBeDefined()
  }
  expect(answers.get('a', 'unused')).toBeUndefined()
  const left = Array.from({ length: 1000 }, (_, n) => answers.get('a', `invented-${n}`)).filter(Boolean)
  // Twice the bytes, by at least 96 of each.
  expect(left.length).toBeLessThan((2 * 10_000) / 96 + 2)
  expect(left.length).toBeGreaterThan(50)
})

it('counts long keys and large answers, and the same answer to several keys once', () => {
  const remembered = (key: (n: number) => string, of: (n: number) => { bytes: number }) => {
    const answers = new RecentAnswers({ keyBytes: 100_000, answerBytes: 100_000 })
    for (let n = 0; n < 400; n++) answers.set('a', key(n), of(n))
    return Array.from({ length: 400 }, (_, n) => answers.get('a', key(n))).filter(Boolean).length
  }
  const shared = answer('shared', 20_000)
  expect(remembered(String, () => answer('small'))).toBe(400)
  expect(
    remembered(
      n => String(n).padStart(5_000),
      () => answer('small'),
    ),
  ).toBeLessThan(30)
  expect(remembered(String, () => answer('large', 20_000))).toBeLessThan(15)
  expect(remembered(String, () => shared)).toBe(400)
})
