import type { Finding } from '../../documents/finding.js'
import { readDocuments } from '../../documents/read-documents.js'
import { splitDocuments } from '../../documents/split-documents.js'
import { type CompileOptions, compileDocument } from '../../policy/compile-document.js'
import type { Fix } from './fix.js'

/**
 * What mends a finding, where that is one name, word or pair of quotes, and the document says nothing else about the place
 * then; undefined where a person has to think. `text` must be that of the file of the finding. Only the document of the
 * finding is compiled, since a word changes no other: files may hold a thousand.
 * @param mayCompile asked before each time that so many characters are compiled; without leave, no fix is found
 */
export function findFix(
  finding: Finding,
  text: string,
  options: CompileOptions,
  mayCompile: (characters: number) => boolean = () => true,
): Fix | undefined {
  const whole = offsetOf(text, finding.location)
  const alone = whole === undefined ? undefined : documentAt(text, whole)
  if (whole === undefined || alone === undefined) return undefined
  const at = whole - alone.shift
  const file = finding.location.file
  let before: ReturnType<typeof findingsIn> | undefined
  for (const { start, end, replacement } of candidates(finding, alone.text, at)) {
    const old = alone.text.slice(start, end)
    if (old === replacement || start === end) continue
    const fix: Fix = { file, start, end, old, text: replacement, effect: effectOf(finding) }
    if (!mayCompile(alone.text.length)) return undefined
    before ??= findingsIn(file, alone.text, options)
    if (mends(finding, alone.text, fix, options, before))
      return { ...fix, start: start + alone.shift, end: end + alone.shift }
  }
  return undefined
}

/** The document at an offset by itself, its lines having the numbers that they have in the file. */
function documentAt(text: string, at: number): { readonly text: string; readonly shift: number } | undefined {
  const stretch = splitDocuments(text).find(one => at >= one.offset && at <= one.offset + one.text.length)
  if (stretch === undefined) return undefined
  const lines = text.slice(0, stretch.offset).split('\n').length - 1
  return { text: '\n'.repeat(lines) + stretch.text, shift: stretch.offset - lines }
}

/**
 * A name that nothing has may be a misspelt one, or a right one that the catalogue lacks: where a document gives something, it
 * must not come to give something else by a guess.
 */
function effectOf({ severity, subject, path, code }: Finding): Fix['effect'] {
  if (severity === 'error') return 'mends'
  const gives = !/^(?:Guardrail|Enrichment)\//.test(subject)
  const names = /^spec\.match\.|subjects\[|roleRef/.test(path)
  return code === 'impossible-subject' || (gives && names) ? 'suggests' : 'mends'
}

interface Candidate {
  readonly start: number
  readonly end: number
  readonly replacement: string
}

function* candidates({ hint = '', message, path }: Finding, text: string, at: number): Generator<Candidate> {
  const meant = /^did you mean ["']?([^"'\s]{1,200}?)["']?\?$/.exec(hint)?.[1]
  const isMeant = (word: string) => message.includes(`"${word}"`) || isLast(path, word)
  if (meant !== undefined) {
    if (/expression|^spec\.(?:agent|tenant|roleMapper)$/i.test(path)) yield* inExpression(message, meant, text, at)
    else yield* wholeWord(text, at, meant, isMeant)
  }
  const version = /^write ([\w./-]{1,100})$/.exec(hint)?.[1]
  if (version !== undefined && path === 'apiVersion') yield* wholeWord(text, at, version, isMeant)
  const scalar = scalarAt(text, at)
  if (scalar === undefined) return
  const { start, end, value, quote } = scalar
  if (hint === 'put the value in quotes' && quote === '') yield { start, end, replacement: `"${value}"` }
  if (hint === 'write it without quotes' && quote !== '') yield { start, end, replacement: value }
  if (hint === 'write a list: [value]') yield { start, end, replacement: `[${text.slice(start, end)}]` }
}

/** A name of CEL, where the finding points or, for a member, behind the next dot. */
function* inExpression(message: string, meant: string, text: string, at: number): Generator<Candidate> {
  if (!/^[A-Za-z_]\w*$/.test(meant)) return
  const here = /^[A-Za-z_]\w*/.exec(text.slice(at, at + 200))?.[0]
  const named = [...message.matchAll(/["']([A-Za-z_]\w*)["']/g)].map(([, name]) => name)
  if (here !== undefined && named.includes(here)) yield { start: at, end: at + here.length, replacement: meant }
  // Of a call, the finding points behind the name.
  const before = /[A-Za-z_]\w*$/.exec(text.slice(Math.max(0, at - 200), at))?.[0]
  if (before !== undefined && named.includes(before)) yield { start: at - before.length, end: at, replacement: meant }
  const rest = text.slice(at, at + 500)
  for (const name of named) {
    const member = new RegExp(`\\.\\??\\s*${name}\\b`).exec(rest)
    if (name === undefined || member === null) continue
    const end = at + member.index + member[0].length
    yield { start: end - name.length, end, replacement: meant }
  }
}

/** Whether a path ends in a key. */
function isLast(path: string, word: string): boolean {
  return path === word || path.endsWith(`.${word}`) || path.endsWith(`[${JSON.stringify(word)}]`)
}

function* wholeWord(text: string, at: number, meant: string, isMeant: (word: string) => boolean): Generator<Candidate> {
  const scalar = scalarAt(text, at)
  // A word that needs no quotes stays without, and any stays as it was quoted.
  if (scalar === undefined || !isMeant(scalar.value) || /['"\\\n]/.test(meant)) return
  const { start, end, quote } = scalar
  const plain = /^[A-Za-z_][\w./-]*$/.test(meant)
  const mark = quote === '' && !plain ? '"' : quote
  yield { start, end, replacement: `${mark}${meant}${mark}` }
}

/** A word or a quoted text on one line, without anything that YAML would read otherwise. */
function scalarAt(text: string, at: number) {
  const rest = text.slice(at, at + 1000)
  const quoted = /^(["'])([^"'\\\n]*)\1/.exec(rest)
  if (quoted !== null) return { start: at, end: at + quoted[0].length, value: quoted[2] ?? '', quote: quoted[1] ?? '' }
  const plain = /^[^\s"'#,:[\]{}&*!|>%@`?-][^\s"'#,[\]{}]*/.exec(rest)?.[0].replace(/:$/, '')
  return plain === undefined || plain === ''
    ? undefined
    : { start: at, end: at + plain.length, value: plain, quote: '' }
}

/** Compiles the document with the change: the finding is gone, and nothing that was well is not. */
function mends(
  finding: Finding,
  text: string,
  { start, end, text: replacement }: Fix,
  options: CompileOptions,
  before: readonly Finding[],
): boolean {
  const after = findingsIn(finding.location.file, text.slice(0, start) + replacement + text.slice(end), options)
  const same = (one: Finding) => keyOf(one) === keyOf(finding) && one.location.line === finding.location.line
  if (after.some(same)) return false
  const errors = (all: readonly Finding[]) => all.filter(({ severity }) => severity === 'error').length
  // Whatever is of another API version may be meant for another program, unless it is ours in all else.
  if (finding.path === 'apiVersion') return errors(after) < errors(before)
  // What was hidden by the finding may show now.
  return finding.severity === 'error' ? errors(after) <= errors(before) : errors(after) === errors(before)
}

function keyOf({ severity, subject, path, message }: Finding): string {
  return `${severity}\0${subject}\0${path}\0${message}`
}

/** What reading and compiling a text finds. */
function findingsIn(file: string, text: string, options: CompileOptions): readonly Finding[] {
  const { documents, findings } = readDocuments(file, text)
  return [...findings, ...documents.flatMap(document => compileDocument(document, { ...options, lint: true }).findings)]
}

/** undefined for a place that the text does not have. */
export function offsetOf(
  text: string,
  { line, column }: { readonly line: number; readonly column: number },
): number | undefined {
  let start = text.startsWith('\uFEFF') ? 1 : 0
  for (let n = 1; n < line; n++) {
    const newline = text.indexOf('\n', start)
    if (newline === -1) return undefined
    start = newline + 1
  }
  const at = start + column - 1
  return at <= text.length ? at : undefined
}

/**
 * What guards an expression against an argument that is left out. It lets calls through that are denied today, so it is only
 * suggested. undefined where the expression is written over several lines, or with escapes.
 */
export function findGuard(
  { location }: Finding,
  { expression, guarded }: { readonly expression: string; readonly guarded: string },
  text: string,
): Fix | undefined {
  const start = offsetOf(text, location)
  if (start === undefined) return undefined
  const quote = /["']/.exec(text.charAt(start))?.[0] ?? ''
  const old = `${quote}${expression}${quote}`
  const end = start + old.length
  if (!text.startsWith(old, start) || expression.includes('\\') || (quote === '' && /[^\s,}]/.test(text.charAt(end))))
    return undefined
  // Plain text cannot begin with !, which is a tag.
  const written = quote === '"' ? `"${guarded}"` : `'${quote === '' ? guarded.replaceAll("'", "''") : guarded}'`
  return { file: location.file, start, end, old, text: written, effect: 'suggests' }
}
