import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Input, Tagged } from './random-inputs.js'

const place = (name: string): string => fileURLToPath(new URL(`../../src/cel/testdata/${name}`, import.meta.url))

export const recordingFiles = {
  inputs: place('random-inputs.json'),
  cases: place('random-cases.tsv'),
  libraries: place('kubernetes-libraries.json'),
} as const

/** What cel-go made of a random expression. */
export interface RecordedCase {
  readonly line: number
  readonly input: number
  readonly expression: string
  /** As cel-go writes it; empty if it does not compile. */
  readonly type: string
  readonly outcome:
    | { readonly kind: 'value'; readonly value: Tagged }
    | { readonly kind: 'error'; readonly error: string }
    | { readonly kind: 'compile' }
  readonly cost: number | undefined
}

export function readInputs(): readonly Input[] {
  const file: { readonly inputs: readonly Input[] } = JSON.parse(readFileSync(recordingFiles.inputs, 'utf8'))
  return file.inputs
}

export function readCases(): readonly RecordedCase[] {
  return readFileSync(recordingFiles.cases, 'utf8')
    .split('\n')
    .flatMap((text, index) => {
      if (text === '' || text.startsWith('#')) return []
      const [input, expression = '', type = '', outcome = '', cost = ''] = text.split('\t')
      return [
        {
          line: index + 1,
          input: Number(input),
          expression,
          type,
          outcome: readOutcome(outcome),
          cost: cost === '' ? undefined : Number(cost),
        },
      ]
    })
}

function readOutcome(text: string): RecordedCase['outcome'] {
  if (text === '! compile') return { kind: 'compile' }
  if (text.startsWith('! ')) return { kind: 'error', error: text.slice(2) }
  const value: Tagged = JSON.parse(text)
  return { kind: 'value', value }
}
