import type * as z from 'zod'
import { didYouMean } from './did-you-mean.js'

export interface Described {
  readonly message: string
  readonly hint: string | undefined
}

/** Says in plain words what a schema found wrong with a value. `found` is undefined where the value is missing. */
export function describeIssue(issue: z.core.$ZodIssue, found: unknown): Described {
  switch (issue.code) {
    case 'invalid_type':
      if (found === undefined) return { message: `is required: ${typeName(issue.expected)}`, hint: undefined }
      return {
        message: `must be ${typeName(issue.expected)}, not ${describe(found)}`,
        hint: typeHint(issue.expected, found),
      }
    case 'invalid_value':
      return oneOf(issue.values, found)
    case 'too_small':
      return tooSmall(issue)
    case 'too_big':
      return { message: `must ${bound('at most', issue.maximum, issue.origin)}`, hint: undefined }
    case 'not_multiple_of':
      return { message: `must be a multiple of ${issue.divisor}, not ${describe(found)}`, hint: undefined }
    case 'invalid_format':
      return { message: `${describe(found)} is not valid: ${lowerFirst(issue.message)}`, hint: undefined }
    case 'invalid_key':
      return {
        message: `a key is not allowed here: ${issue.issues.map(inner => inner.message).join('; ')}`,
        hint: undefined,
      }
    case 'invalid_union': {
      if ('options' in issue && issue.options !== undefined) return oneOf(issue.options, found)
      const expected = new Set<string>()
      const values: z.core.util.Primitive[] = []
      for (const inner of issue.errors.flat()) {
        if (inner.path.length > 0) continue
        if (inner.code === 'invalid_type') expected.add(typeName(inner.expected))
        if (inner.code === 'invalid_value') values.push(...inner.values)
      }
      if (values.length > 0 && expected.size === 0) return oneOf(values, found)
      for (const value of values) expected.add(quote(value))
      if (expected.size === 0) return { message: issue.message, hint: undefined }
      return { message: `must be ${[...expected].join(' or ')}, not ${describe(found)}`, hint: undefined }
    }
    default:
      return { message: issue.message, hint: undefined }
  }
}

function oneOf(values: readonly z.core.util.Primitive[], found: unknown): Described {
  const allowed = values.map(quote)
  const message =
    found === undefined
      ? `is required: ${allowed.join(' or ')}`
      : `must be ${allowed.length > 1 ? 'one of ' : ''}${allowed.join(', ')}, not ${describe(found)}`
  const words = values.filter(value => typeof value === 'string')
  const meant = typeof found === 'string' ? didYouMean(found, words) : undefined
  return { message, hint: meant === undefined ? undefined : `did you mean ${quote(meant)}?` }
}

function tooSmall(issue: z.core.$ZodIssueTooSmall): Described {
  if (Number(issue.minimum) === 1 && issue.inclusive !== false && issue.origin !== 'number' && issue.origin !== 'int') {
    const hint = issue.origin === 'array' ? 'leave the field out, or list at least one' : undefined
    return { message: 'must not be empty', hint }
  }
  return { message: `must ${bound('at least', issue.minimum, issue.origin)}`, hint: undefined }
}

function bound(relation: string, limit: number | bigint, origin: string): string {
  switch (origin) {
    case 'string':
      return `have ${relation} ${limit} characters`
    case 'array':
    case 'set':
    case 'map':
    case 'object':
      return `have ${relation} ${limit} entries`
    default:
      return `be ${relation} ${limit}`
  }
}

function typeName(type: string): string {
  switch (type) {
    case 'string':
      return 'text'
    case 'number':
      return 'a number'
    case 'int':
      return 'a whole number'
    case 'boolean':
      return 'true or false'
    case 'array':
    case 'tuple':
      return 'a list'
    case 'object':
    case 'record':
      return 'a mapping'
    case 'null':
      return 'null'
    case 'never':
    case 'undefined':
      return 'left out'
    default:
      return `of type ${type}`
  }
}

function typeHint(expected: string, found: unknown): string | undefined {
  if (expected === 'string' && ['number', 'boolean'].includes(typeof found)) return 'put the value in quotes'
  if (expected === 'array' && typeof found === 'string') return 'write a list: [value]'
  if (['boolean', 'number', 'int'].includes(expected) && typeof found === 'string') return 'write it without quotes'
  return undefined
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'empty (null)'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a mapping'
  if (typeof value === 'string') return value === '' ? 'empty text' : `the text ${quote(value)}`
  return typeof value === 'number' ? `the number ${value}` : String(value)
}

function quote(value: unknown): string {
  if (typeof value !== 'string') return String(value)
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
