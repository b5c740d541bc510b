import { describe, expect, it } from 'vitest'
import { readDocuments } from '../documents/read-documents.js'
import { ExpressionCompiler } from '../policy/expressions.js'
import { compilePatterns } from '../policy/result-guardrail-patterns.js'
import type { Sliced } from '../sliced.js'
import { canBeFoundIn, occursIn } from './occurs-in.js'

function patternOf(pattern: string) {
  const [document] = readDocuments(
    'g.yaml',
    '{ apiVersion: mcp-authz.dev/v1alpha1, kind: Guardrail, metadata: { name: g }, spec: {} }',
  ).documents
  if (document === undefined) throw new Error('is no document')
  const compiler = new ExpressionCompiler(document, 'response')
  const [compiled] = compilePatterns(compiler, 'g', [{ pattern, action: 'Redact', replacement: '#' }])
  if (compiled === undefined) throw new Error(JSON.stringify(compiler.findings))
  return compiled
}

/** The answer, and the longest time for which nobody else had a turn. */
function turns<T>(work: Sliced<T>): { readonly value: T; readonly longest: number } {
  let longest = 0
  for (;;) {
    const begun = performance.now()
    const step = work.next()
    longest = Math.max(longest, performance.now() - begun)
    if (step.done === true) return { value: step.value, longest }
  }
}

const size = 1024 * 1024
/** Neither letter tells what comes next, so that an automaton has a new state for each. */
const mixed = Array.from({ length: size }, (_, at) => ((at * 2654435761) % 4294967296 > 2147483648 ? 'a' : 'b')).join(
  '',
)
const growing = 'a[ab]{300}[cd]'

describe('a search in a long text', () => {
  it.each<[string, string, string, boolean]>([
    ['finds it at the end', 'AKIA[0-9A-Z]{4}', `${'x'.repeat(size)}AKIA1234`, true],
    ['finds it on the last of many lines', 'AKIA[0-9A-Z]{4}', `${'x y\n'.repeat(size / 4)}AKIA1234`, true],
    ['finds none', 'AKIA[0-9A-Z]{4}', 'AKIA '.repeat(size / 5), false],
    ['finds what goes over lines', 'a\\sb{2}', `${'x'.repeat(size)}a\nbb`, true],
    ['finds where lines make it short', growing, `${'ab\n'.repeat(size / 3)}a${'ab'.repeat(150)}c`, true],
  ])('%s', (_name, pattern, text, expected) => {
    expect(turns(occursIn(patternOf(pattern), text)).value).toBe(expected)
  })

  it('is given up where it would take seconds', () => {
    const { value, longest } = turns(occursIn(patternOf(growing), mixed))
    expect(value).toBeUndefined()
    // Some 4000 ms all at once, without it.
    expect(longest).toBeLessThan(1500)
  })

  it('is given up where to find the place would take seconds', () => {
    const pattern = patternOf('[a-z]{40}[A-Z]')
    const text = `${'a'.repeat(4 * size)}Z`
    expect(turns(occursIn(pattern, text)).value).toBe(true)
    expect(turns(canBeFoundIn(pattern, text)).value).toBe(false)
    expect(turns(canBeFoundIn(pattern, `${'a'.repeat(40)}Z`.repeat(1000))).value).toBe(true)
  })
})
