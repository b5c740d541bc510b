import fc from 'fast-check'
import { anyExpression } from './grammar.js'

type Source = fc.Arbitrary<string>

/** Pieces that mean something to a reader of expressions, or look as if they did. */
const pieces = [
  ...[
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    ',',
    ':',
    '?',
    '.',
    '.?',
    '[?',
    '+',
    '-',
    '*',
    '/',
    '%',
    '!',
    '==',
    '!=',
    '<',
    '<=',
  ],
  ...[
    '>',
    '>=',
    '&&',
    '||',
    ' in ',
    '//',
    '/*',
    '\n',
    '\r',
    '\t',
    '\0',
    ' ',
    '`',
    '`a-b`',
    '=',
    '&',
    '|',
    ';',
    '#',
    '@',
  ],
  ...['"', "'", '"""', "'''", 'r"', 'b"', 'rb"', "br'''", '\\', '\\u', '\\U0010FFFF', '\\ud800', '\\377', '\\x'],
  ...['0', '0x', '1e', '1e999', '.5', '1u', '0xFFFFFFFFFFFFFFFFu', '9223372036854775808', '-9223372036854775808'],
  ...[
    'true',
    'null',
    'if',
    'has(',
    'a.all(x,',
    '.map(x, x',
    '.exists(',
    'cel.bind(x,',
    '.sortBy(',
    'optional.of(',
    'dyn(',
  ],
  ...[
    'Object{',
    'google.protobuf.Timestamp',
    '.matches("(")',
    '__proto__',
    'constructor',
    'args',
    'count',
    '\u{1f600}',
  ],
  ...['\ud800', '\udc00', '\ufeff', '\u2028', '“', 'é', 'e\u0301'],
]

/** Repeated often they are deep, long or wide. */
const bombs = [
  ...[
    '(',
    '[',
    '{1: ',
    '!',
    '-',
    'a.',
    'a+',
    'a&&',
    'a||',
    'a?b:',
    'a?',
    'f(',
    '[1].map(x, ',
    '[x].map(x, ',
    'cel.bind(x, 1, ',
  ],
  ...[
    'a.b(',
    '.a()',
    '[0]',
    '.map(x, [x, x])',
    '+ [1]',
    '"a" + ',
    '!!-',
    '//\n',
    '\\',
    '"',
    'count in [',
    'M{a: ',
    '.?a',
  ],
]

const wild: Source = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.array(fc.nat(0xffff), { maxLength: 40 }).map(units => String.fromCharCode(...units)),
  fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map(all => all.join('')),
  fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map(all => all.join(' ')),
)

const bomb: Source = fc
  .tuple(
    fc.constantFrom(...bombs),
    fc.nat({ max: 3000 }),
    fc.constantFrom('', '1', 'a', ')', ']'),
    fc.nat({ max: 3000 }),
  )
  .map(([piece, times, middle, ends]) => {
    const close = piece.includes('(') ? ')' : piece.startsWith('[') ? ']' : piece.includes('{') ? '}' : ''
    const start = /^[.[+]/.test(piece) && piece !== '[' ? 'args' : ''
    return `${start}${piece.repeat(times)}${middle}${close.repeat(ends % 5 === 0 ? ends : times)}`
  })

interface Mutation {
  readonly at: number
  readonly length: number
  readonly kind: number
  readonly piece: string
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat({ max: 0xffff }),
  length: fc.nat({ max: 12 }),
  kind: fc.nat({ max: 6 }),
  piece: fc.oneof(
    fc.constantFrom(...pieces),
    fc.nat(0xffff).map(unit => String.fromCharCode(unit)),
  ),
})

function mutate(source: string, { at: position, length, kind, piece }: Mutation): string {
  const at = position % (source.length + 1)
  const part = source.slice(at, at + length)
  const before = source.slice(0, at)
  const after = source.slice(at + length)
  switch (kind) {
    case 0:
      return before + after
    case 1:
      return before + part.repeat(3) + after
    case 2:
      return before
    case 3:
      return before + piece + after
    case 4: {
      // A bit of one unit.
      const unit = source.charCodeAt(at)
      return Number.isNaN(unit)
        ? source
        : before + String.fromCharCode(unit ^ (1 << (length % 7))) + source.slice(at + 1)
    }
    case 5:
      return after + before
    default:
      return before + piece + part + after
  }
}

function mutated(corpus: readonly string[]): Source {
  const one = fc.constantFrom(...corpus)
  const changed = fc
    .tuple(one, fc.array(mutation, { maxLength: 4 }))
    .map(([source, mutations]) => mutations.reduce(mutate, source))
  const crossed = fc
    .tuple(one, one, fc.nat(0xffff), fc.nat(0xffff))
    .map(([a, b, i, j]) => a.slice(0, i % (a.length + 1)) + b.slice(j % (b.length + 1)))
  return fc.oneof(changed, changed, changed, crossed)
}

/** What readers get: written, mutated and made up. */
export function readerSources(corpus: readonly string[]): Source {
  return fc.oneof(
    { arbitrary: mutated(corpus), weight: 6 },
    { arbitrary: anyExpression(3), weight: 3 },
    { arbitrary: wild, weight: 3 },
    { arbitrary: bomb, weight: 1 },
  )
}

/** What the checker and the evaluator get: more that compiles. */
export function typedSources(corpus: readonly string[]): Source {
  return fc.oneof(
    { arbitrary: anyExpression(2), weight: 6 },
    { arbitrary: anyExpression(4), weight: 4 },
    { arbitrary: mutated(corpus), weight: 2 },
    { arbitrary: bomb, weight: 1 },
  )
}
