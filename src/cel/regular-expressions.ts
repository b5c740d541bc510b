import { RE2JS } from 're2js'
import { limits } from './limits.js'

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

/** For patterns known only at run time; keeps the 256 used last, failures too. */
export function cachedPattern(source: string): CompiledPattern {
  const known = cache.get(source)
  if (known !== undefined) {
    cache.delete(source)
    cache.set(source, known)
    return known
  }
  const compiled = compilePattern(source)
  if (source.length > limits.pattern) return compiled
  if (cache.size >= kept) {
    for (const oldest of cache.keys()) {
      cache.delete(oldest)
      break
    }
  }
  cache.set(source, compiled)
  return compiled
}
