import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { askInOrder, type Inquiry } from './ask-in-order.js'
import { failure } from './failure.js'
import type { Verdict } from './trial.js'

const no = (what: number): Verdict => failure('authorization.rbac', `no to ${what}`)
const settled = () => new Promise(resolve => setImmediate(resolve))

/** Answers true to even numbers; those in `cold` only when they are told to. */
function setUp(cold: (question: number) => boolean = () => true, late: () => Verdict = () => undefined) {
  const asked: number[] = []
  const judged: number[] = []
  const waiting = new Map<number, (answer: boolean) => void>()
  const inquiry: Inquiry<number, boolean> = {
    ask(question) {
      asked.push(question)
      const answer = question % 2 === 0
      return cold(question) ? new Promise(resolve => waiting.set(question, () => resolve(answer))) : answer
    },
    judge(question, answer) {
      judged.push(question)
      return answer ? undefined : no(question)
    },
    late,
  }
  const answer = async (question: number) => {
    waiting.get(question)?.(true)
    await settled()
  }
  return { asked, judged, inquiry, answer }
}

describe('questions in order', () => {
  it('are judged at once where all answers are known, and no more are asked than need be', () => {
    const { inquiry, asked } = setUp(() => false)
    expect(askInOrder([0, 2, 4], inquiry)).toBeUndefined()
    expect(askInOrder([], inquiry)).toBeUndefined()
    expect(askInOrder([6, 7, 9], inquiry)).toEqual(no(7))
    expect(asked).toEqual([0, 2, 4, 6, 7])
  })

  it('are asked ahead from the first one on that is not known, and judged in order all the same', async () => {
    const { inquiry, asked, judged, answer } = setUp(question => question > 0)
    const verdict = askInOrder([0, 2, 4, 5, 7], inquiry)
    expect(asked).toEqual([0, 2, 4, 5, 7])
    for (const question of [7, 5, 4]) await answer(question)
    expect(judged).toEqual([0])
    await answer(2)
    expect(await verdict).toEqual(no(5))
    expect(judged).toEqual([0, 2, 4, 5])
  })

  it('are at most 16 at once', async () => {
    const { inquiry, asked, answer } = setUp()
    const questions = Array.from({ length: 80 }, (_, at) => 2 * at)
    const verdict = askInOrder(questions, inquiry)
    expect(asked).toHaveLength(16)
    await answer(2)
    expect(asked).toHaveLength(16)
    await answer(0)
    expect(asked).toHaveLength(18)
    for (const question of questions) await answer(question)
    expect(await verdict).toBeUndefined()
    expect(asked).toEqual(questions)
  })

  it('end when there is no time left, and nothing more is asked', async () => {
    let over = false
    const { inquiry, asked, answer } = setUp(
      () => true,
      () => (over ? failure('dependency.timeout', 'late') : undefined),
    )
    const verdict = askInOrder(
      Array.from({ length: 40 }, (_, at) => 2 * at),
      inquiry,
    )
    over = true
    await answer(0)
    expect(await verdict).toMatchObject({ reason: 'dependency.timeout' })
    expect(asked).toHaveLength(16)
  })

  it('go on after a verdict that had to be waited for', async () => {
    const { inquiry, judged } = setUp(() => false)
    const slow: Inquiry<number, boolean> = {
      ...inquiry,
      judge: async (question, answer) => {
        await settled()
        return inquiry.judge(question, answer)
      },
    }
    expect(await askInOrder([0, 2, 3, 5], slow)).toEqual(no(3))
    expect(judged).toEqual([0, 2, 3])
  })

  it('whose answers nobody looks at any more may fail', async () => {
    const ask = (question: number) => (question === 1 ? Promise.resolve(false) : Promise.reject(new Error('a bug')))
    const { inquiry } = setUp()
    expect(await askInOrder([1, 2, 3], { ...inquiry, ask })).toEqual(no(1))
    await expect(askInOrder([2, 1], { ...inquiry, ask })).rejects.toThrow('a bug')
    await settled()
  })

  it('come to the same whatever is known, and in whatever order answers come', async () => {
    const anyQuestions = fc.array(fc.record({ question: fc.nat(9), cold: fc.boolean(), at: fc.nat(30) }), {
      maxLength: 30,
    })
    await fc.assert(
      fc.asyncProperty(anyQuestions, async cases => {
        const all = cases.map((_, at) => at)
        const of = (at: number) => cases[at] ?? { question: 0, cold: false, at: 0 }
        const judged: number[] = []
        const verdict = await askInOrder<number, boolean>(all, {
          ask: at => {
            const answer = of(at).question !== 1
            if (!of(at).cold) return answer
            return new Promise(resolve => setTimeout(() => resolve(answer), of(at).at / 10))
          },
          judge: (at, answer) => {
            judged.push(at)
            return answer ? undefined : no(at)
          },
          late: () => undefined,
        })
        const expected = all.find(at => of(at).question === 1)
        expect(verdict).toEqual(expected === undefined ? undefined : no(expected))
        expect(judged).toEqual(all.slice(0, expected === undefined ? all.length : expected + 1))
      }),
      { numRuns: 60 },
    )
  })
})
