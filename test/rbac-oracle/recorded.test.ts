import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { compareReplies } from './compare-replies.js'
import { ourReply } from './our-reply.js'
import { readRecording, recordedQuestions } from './recording.js'

it('says what Kubernetes said to 2,000 pairs of an object set and a request', () => {
  const questions = recordedQuestions()
  const replies = readRecording()
  expect(replies).toHaveLength(questions.length)
  const differences = questions.flatMap((question, at) => {
    const kubernetes = replies[at] ?? { refused: [], answers: [] }
    return compareReplies(question, kubernetes, ourReply(question))
  })
  expect(differences).toEqual([])
  // Not by saying nothing.
  const answers = replies.flatMap(reply => reply.answers)
  expect(answers).toHaveLength(2000)
  expect(answers.filter(({ allowed }) => allowed).length).toBeGreaterThan(400)
  expect(answers.filter(({ allowed, reason }) => !allowed && reason !== '').length).toBeGreaterThan(200)
  expect(replies.flatMap(({ refused }) => refused).filter(why => why !== '').length).toBeGreaterThan(200)
})

it('finds a difference where there is one', () => {
  const [question] = recordedQuestions()
  if (question === undefined) throw new Error('nothing recorded')
  const ours = ourReply(question)
  const answers = ours.answers.map(answer => ({ ...answer, reason: `${answer.reason} ` }))
  expect(compareReplies(question, { ...ours, answers }, ours)).toHaveLength(question.requests.length)
  const refused = ours.refused.map(why => (why === '' ? 'no' : ''))
  expect(compareReplies(question, { ...ours, refused }, ours)).toHaveLength(question.objects.length)
})

it('does not pass where there is no Go', async () => {
  const command = ['--import', 'tsx', join(import.meta.dirname, 'main.ts'), '--pairs', '1']
  const { code, said } = await new Promise<{ code: unknown; said: string }>(resolve => {
    // Go is looked for in its usual place as well; without its library it cannot do anything.
    const env = { ...process.env, PATH: '', GOROOT: '/nowhere' }
    execFile(process.execPath, command, { env }, (error, _out, stderr) => resolve({ code: error?.code, said: stderr }))
  })
  expect(code).toBe(2)
  expect(said).toContain('Nothing was compared')
})
