import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Random } from '../fuzz/random.js'
import { generateQuestion } from './generate-question.js'
import type { Question, Reply } from './question.js'

const file = join(import.meta.dirname, 'recorded-answers.jsonl')
const seed = 20_261_121
const sets = 500

export function recordedQuestions(): readonly Question[] {
  return Array.from({ length: sets }, (_, iteration) => generateQuestion(new Random(seed, iteration)))
}

/** What Kubernetes said to {@link recordedQuestions}. Throws where they are not those that it was asked. */
export function readRecording(): readonly Reply[] {
  const [digest, ...replies] = readFileSync(file, 'utf8').trimEnd().split('\n')
  if (digest !== JSON.stringify(digestOf(recordedQuestions())))
    throw new Error('the generator has changed: npm run test:rbac-oracle -- --record')
  return replies.map(line => JSON.parse(line))
}

/** The digest of the questions, which are not kept because the generator makes them again; then a reply per line. */
export function writeRecording(replies: readonly Reply[]): void {
  const lines = [digestOf(recordedQuestions()), ...replies].map(value => JSON.stringify(value))
  writeFileSync(file, `${lines.join('\n')}\n`)
}

/** SHA-256. */
function digestOf(questions: readonly Question[]): string {
  return createHash('sha256').update(JSON.stringify(questions)).digest('hex')
}
