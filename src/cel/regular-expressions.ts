import { RE2JS } from 're2js'
import { limits } from './limits.js'
import { type Budget, Failure, type Result, spend } from './values.js'

export type CompiledPattern =
  | { readonly ok: true; readonly pattern: RE2JS; readonly size: number }
  | { readonly ok: false; readonly message: string }

/** Compiles with RE2's syntax and linear time. The message tells what is wrong with the pattern. */
export function compilePattern(source: string): CompiledPattern {
  if (source.length > limits.pattern) return { ok: false, message: `longer than ${limits.pattern} characters` }
  try {
    const pattern = RE2JS.compile(source)
    return { ok: true, pattern, size: pattern.programSize() }
  } catch (error) {
    const message = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : 'unknown'
    return { ok: false, message }
  }
}

const kept = 256
const cache = new Map<string, CompiledPattern>()

/** For patterns known only at run time; keeps the 256 used last, failures too. Compiling is paid for. */
export function cachedPattern(source: string, budget: Budget): CompiledPattern {
  const known = cache.get(source)
  if (known !== undefined) {
    cache.delete(source)
    cache.set(source, known)
    return known
  }
  spend(budget, 1000)
  const compiled = compilePattern(source)
  if (source.length > limits.pattern) return compiled
  if (compiled.ok) spend(budget, compiled.size * 20)
  if (cache.size >= kept) {
    for (const oldest of cache.keys()) {
      cache.delete(oldest)
      break
    }
  }
  cache.set(source, compiled)
  return compiled
}

const refused = new Failure('not a regular expression that RE2 accepts')

/** RE2 visits each character at most once per instruction of the program; a unit pays for 16 such visits. */
function pay(text: string, size: number, budget: Budget): void {
  spend(budget, 8 + Math.ceil((text.length * size) / 16))
}

/** `text.matches(pattern)`: whether the pattern occurs anywhere. */
export function matchPattern(text: string, compiled: CompiledPattern, budget: Budget): Result {
  if (!compiled.ok) return refused
  pay(text, compiled.size, budget)
  return compiled.pattern.test(text)
}

/** `text.find(pattern)`: the first occurrence, or "" (Kubernetes regex library). */
export function findPattern(text: string, compiled: CompiledPattern, budget: Budget): Result {
  if (!compiled.ok) return refused
  pay(text, compiled.size, budget)
  const matcher = compiled.pattern.matcher(text)
  return matcher.find() ? (matcher.group() ?? '') : ''
}
