import type { Random } from '../fuzz/random.js'
import { meaning, meaningfulTexts, variableTypes } from './variables.js'

/** A value as test/cel-go reads and writes it: what JSON cannot say has a tag. */
export type Tagged =
  | boolean
  | string
  | readonly Tagged[]
  | { readonly null: true }
  | { readonly int: string }
  | { readonly uint: string }
  | { readonly double: string }
  | { readonly bytes: string }
  | { readonly timestamp: string }
  | { readonly duration: string }
  | { readonly type: string }
  | { readonly map: readonly (readonly [Tagged, Tagged])[] }
  | { readonly optional: readonly Tagged[] }
  | { readonly opaque: string; readonly text?: string }

export type Input = Readonly<Record<string, Tagged>>

const words = [
  'a',
  'b',
  'app',
  'web-1',
  'admin',
  'dev',
  'x',
  'team:blue',
  'Ünï',
  '\u{1f600}',
  'prod/eu',
  ' pad ',
  'B',
  'aa',
]
const keys = ['a', 'b', 'app', 'name', 'zone']

const int = (value: number | bigint): Tagged => ({ int: String(value) })
const nothing: Tagged = { null: true }

/** Values for all variables: mostly small, sometimes at the edge, lists of none to a dozen. */
export function randomInput(random: Random): Input {
  return Object.fromEntries(
    Object.entries(variableTypes).map(([name, type]) => [name, randomValue(name, type, random)]),
  )
}

function randomValue(name: string, type: string, random: Random): Tagged {
  const texts = meaningfulTexts[meaning[name] ?? '']
  if (texts !== undefined) return random.pick(texts)
  switch (type) {
    case 'dyn':
      return randomArguments(random)
    case 'map(string, dyn)':
      return randomUser(random)
    case 'list(dyn)':
      return many(random, () => randomJson(random, 1))
    case 'wrapper(int)':
      return random.chance(0.3) ? nothing : int(random.int(9))
  }
  return ofType(type, random)
}

function many(random: Random, make: () => Tagged): Tagged[] {
  const size = random.chance(0.15) ? 0 : random.chance(0.1) ? 8 + random.int(25) : 1 + random.int(6)
  return Array.from({ length: size }, make)
}

function ofType(type: string, random: Random): Tagged {
  const [, outer, inner] = /^(\w+)\((.*)\)$/.exec(type) ?? []
  if (outer === 'list' && inner !== undefined) return many(random, () => ofType(inner, random))
  if (outer === 'optional_type' && inner !== undefined) {
    return { optional: random.chance(0.4) ? [] : [ofType(inner, random)] }
  }
  if (outer === 'map' && inner !== undefined) return randomMap(inner, random)
  return randomScalar(type, random)
}

function randomMap(inner: string, random: Random): Tagged {
  const comma = inner.indexOf(', ')
  const [key, value] = [inner.slice(0, comma), inner.slice(comma + 2)]
  const candidates: readonly Tagged[] =
    key === 'string'
      ? keys
      : key === 'bool'
        ? [true, false]
        : ['0', '1', '2', '7', '40'].map(number => (key === 'uint' ? { uint: number } : { int: number }))
  return { map: candidates.filter(() => random.chance(0.6)).map(one => [one, ofType(value, random)] as const) }
}

export function randomText(random: Random): string {
  const count = random.chance(0.1) ? 10 + random.int(30) : random.few(6)
  return Array.from({ length: count }, () => random.pick(words)).join(random.pick(['', '-', ' ', ',']))
}

const ints = ['9223372036854775807', '-9223372036854775808', '4611686018427387904', '1000000']
const doubles = [
  '0.5',
  '-2.25',
  '1e300',
  '1e-7',
  '3',
  '0',
  '-0',
  'NaN',
  'Infinity',
  '9007199254740993',
  '0.1',
  '7',
  '2',
  '100.125',
]
const stamps = [
  '2024-02-29T12:30:45Z',
  '1970-01-01T00:00:00Z',
  '2026-11-21T08:00:00.25Z',
  '9999-12-31T23:59:59Z',
  '0001-01-01T00:00:00Z',
  '2023-12-31T23:59:59.123456789Z',
]
const spans = ['0s', '90s', '-1.5s', '3600s', '0.001s', '86400s', '123456.789s']

function randomScalar(type: string, random: Random): Tagged {
  switch (type) {
    case 'bool':
      return random.chance(0.5)
    case 'int':
      return random.chance(0.07) ? { int: random.pick(ints) } : int(random.int(14) - 3)
    case 'uint':
      return { uint: random.chance(0.06) ? '18446744073709551615' : String(random.int(10)) }
    case 'double':
      return { double: random.pick(doubles) }
    case 'bytes':
      return {
        bytes: Buffer.from(random.chance(0.15) ? [255, random.int(256)] : randomText(random)).toString('base64'),
      }
    case 'google.protobuf.Timestamp':
      return { timestamp: random.pick(stamps) }
    case 'google.protobuf.Duration':
      return { duration: random.pick(spans) }
    default:
      return random.chance(0.4) ? random.pick(words) : randomText(random)
  }
}

/** As our reader of JSON gives it: whole numbers are ints. */
function randomJson(random: Random, depth: number): Tagged {
  switch (random.int(depth > 0 ? 7 : 5)) {
    case 0:
      return int(random.int(20) - 4)
    case 1:
      return random.chance(0.5)
    case 2:
      return { double: random.pick(['0.5', '-2.25', '1e300']) }
    case 3:
      return random.chance(0.3) ? nothing : random.pick(words)
    case 4:
      return randomText(random)
    case 5:
      return many(random, () => randomJson(random, depth - 1))
    default:
      return { map: keys.filter(() => random.chance(0.5)).map(key => [key, randomJson(random, depth - 1)] as const) }
  }
}

function fields(random: Random, all: Readonly<Record<string, () => Tagged>>): Tagged {
  const kept = Object.entries(all).filter(() => random.chance(0.85))
  return { map: kept.map(([name, make]) => [name, random.chance(0.04) ? randomJson(random, 1) : make()] as const) }
}

function randomArguments(random: Random): Tagged {
  const text = (): Tagged => randomScalar('string', random)
  return fields(random, {
    replicas: () => int(random.int(12)),
    ratio: () => ({ double: random.pick(['0.5', '2.5', '-1.25']) }),
    name: text,
    force: () => random.chance(0.5),
    note: () => nothing,
    tags: () => many(random, text),
    sizes: () => many(random, () => int(random.int(30))),
    labels: () => ({ map: keys.filter(() => random.chance(0.6)).map(key => [key, text()] as const) }),
    containers: () =>
      many(random, () =>
        fields(random, { name: text, port: () => int(random.int(9000)), env: () => many(random, text) }),
      ),
    any: () => randomJson(random, 2),
  })
}

function randomUser(random: Random): Tagged {
  return fields(random, {
    name: () => randomScalar('string', random),
    groups: () => many(random, () => random.pick(words)),
    level: () => int(random.int(5)),
    claims: () => randomJson(random, 2),
  })
}
