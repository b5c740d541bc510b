import * as z from 'zod'
import { compilePattern, longestPattern } from '../cel/library/patterns.js'
import { Failure } from '../cel/values/value.js'
import type { PathSegment } from '../documents/source-document.js'
import type { ExpressionCompiler } from './expressions.js'

/** Patterns of one Guardrail. */
const mostPatterns = 32
/** Instructions of RE2's program: with the text it bounds how long one search takes. */
const largestPattern = 1000
const longestReplacement = 200

export const patternsSchema = z
  .array(
    z.strictObject({
      pattern: z.string().min(1).max(longestPattern),
      action: z.enum(['Redact', 'Deny']).default('Redact'),
      replacement: z.string().max(longestReplacement).optional(),
      message: z.string().min(1).max(1000).optional(),
      reason: z
        .string()
        .regex(/^[A-Za-z][A-Za-z0-9]{0,62}$/, 'a reason is one CamelCase word')
        .optional(),
      hint: z.string().min(1).max(1000).optional(),
    }),
  )
  .min(1)
  .max(mostPatterns)

/** What a result must not hold. Texts are searched in time linear in their length; no state is kept between them. */
export interface ResultPattern {
  readonly action: 'Redact' | 'Deny'
  /** What stands in the place of what is found; the pattern does not match it. */
  readonly replacement: string
  readonly message: string
  readonly policyReason: string
  readonly hint: string | undefined
  test(text: string): boolean
  /** Of many texts with a line feed between each: false only if it is in none of them. Much quicker than to ask for each. */
  maybeIn(joined: string): boolean
  /** What a search costs at most: of the worst texts, two million take some 50 ms. */
  weightIn(text: string): number
  /** Where it is, from left to right and without overlap. Each step is one search. */
  matches(text: string): Iterable<{ readonly start: number; readonly end: number }>
  /** It never matches across a line end, so that a text may be searched line by line. */
  readonly staysOnLine: boolean
}

export function compilePatterns(
  compiler: ExpressionCompiler,
  name: string,
  specs: z.infer<typeof patternsSchema>,
): readonly ResultPattern[] {
  return specs.flatMap((spec, index) => compileOne(compiler, name, ['spec', 'patterns', index], spec) ?? [])
}

function compileOne(
  compiler: ExpressionCompiler,
  name: string,
  path: readonly PathSegment[],
  { pattern: source, action, replacement: written, message, reason, hint }: z.infer<typeof patternsSchema>[number],
): ResultPattern | undefined {
  const at = [...path, 'pattern']
  const compiled = compilePattern(source)
  if (compiled instanceof Failure) {
    compiler.report('error', at, compiled.message)
    return undefined
  }
  const { pattern, weight } = compiled
  if (weight > largestPattern) {
    compiler.report('error', at, 'the pattern repeats too much', 'use smaller counts in {}')
    return undefined
  }
  const find = function* (text: string) {
    const matcher = pattern.matcher(text)
    // Neither is there anything to redact where nothing stands.
    while (matcher.find()) {
      const found = { start: matcher.start(), end: matcher.end() }
      if (found.end > found.start) yield found
    }
  }
  if (probes.some(probe => matchesNothing(pattern.matcher(probe)))) {
    compiler.report('error', at, 'the pattern matches where nothing stands', 'let it ask for at least one character')
    return undefined
  }
  const replacement = written ?? `[redacted by ${name}]`
  checkAction(compiler, path, { action, written, texts: { message, reason, hint } })
  if (action === 'Redact' && pattern.test(replacement)) {
    const place = written === undefined ? at : [...path, 'replacement']
    const text = `the pattern matches what it is replaced by, "${replacement}"`
    compiler.report('error', place, text, "write another replacement, e.g. replacement: '***'")
    return undefined
  }
  const inLines = anchoredToText.test(source) ? undefined : compilePattern(`(?m)${source}`)
  const quick = inLines === undefined || inLines instanceof Failure ? undefined : inLines.pattern
  return {
    action,
    replacement,
    message: message ?? `the guardrail ${name} does not let a text pass that is in this result`,
    policyReason: reason ?? '',
    hint,
    test: text => pattern.test(text),
    maybeIn: joined => quick === undefined || quick.test(joined),
    weightIn: text => weight * text.length,
    matches: find,
    staysOnLine: staysOnLine(source),
  }
}

/** Where patterns such as `a*`, `\b` and `$` match without a character. */
const probes = ['', 'a', '0', ' ', 'a b', '\n', 'a\n'] as const

function matchesNothing(matcher: { find(): boolean; start(): number; end(): number }): boolean {
  while (matcher.find()) if (matcher.start() === matcher.end()) return true
  return false
}

function checkAction(
  compiler: ExpressionCompiler,
  path: readonly PathSegment[],
  {
    action,
    written,
    texts,
  }: {
    readonly action: 'Redact' | 'Deny'
    readonly written: string | undefined
    readonly texts: Readonly<Record<string, string | undefined>>
  },
): void {
  if (action === 'Deny') {
    if (written !== undefined)
      compiler.report('error', [...path, 'replacement'], 'nothing is replaced with action: Deny', 'remove it')
    return
  }
  for (const [field, text] of Object.entries(texts))
    if (text !== undefined)
      compiler.report('error', [...path, field], 'is told with action: Deny only', 'remove it, or write action: Deny')
  if (written !== undefined && /[$\\][0-9{]/.test(written))
    compiler.report(
      'warning',
      [...path, 'replacement'],
      'is put in as it stands: groups of the pattern are not filled in',
    )
}

/** Begins or ends with the text itself, whatever the flags; a flag that is taken back counts as well. */
const anchoredToText = /\\[Az]|\(\?[a-zA-Z]*-/

/**
 * Whether no match of the pattern can hold a line feed, nor depend on what is beyond one. What it does not know for certain
 * it denies.
 */
export function staysOnLine(source: string): boolean {
  let inClass = false
  for (let at = 0; at < source.length; at++) {
    const character = source[at] ?? ''
    if (character < ' ') return false
    if (character === '\\') {
      at++
      // Letters and digits mean something: only these never mean a line feed.
      if (/^[a-zA-Z0-9]$/.test(source[at] ?? 'a') && !/^[dwSbB]$/.test(source[at] ?? '')) return false
    } else if (inClass) {
      if (character === ']') inClass = false
      else if (character === '[') return false
    } else if (character === '[') {
      if (source[at + 1] === '^') return false
      // One that comes first stands for itself.
      if (source[at + 1] === ']') at++
      inClass = true
    } else if (character === '^' || character === '$') return false
    else if (character === '(' && source[at + 1] === '?') {
      const opening = /^\(\?(?:i?:|i\)|P?<[A-Za-z0-9_]{1,64}>)/.exec(source.slice(at, at + 80))
      if (opening === null) return false
      at += opening[0].length - 1
    }
  }
  return true
}
