import type { Random } from './random.js'

/** JSON as it is written: strings and numbers keep their spelling, objects their repeated keys. */
export type Tree = Leaf | ArrayTree | ObjectTree
export interface Leaf {
  readonly kind: 'leaf'
  readonly text: string
}
export interface ArrayTree {
  readonly kind: 'array'
  readonly items: Tree[]
}
export interface ObjectTree {
  readonly kind: 'object'
  /** The key with its quotes. */
  readonly members: [key: string, value: Tree][]
}

const token = /\s*("(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false|null|[{}[\],:])/y

/** Undefined for what is no JSON; text behind the value is left out. */
export function readTree(text: string): Tree | undefined {
  let at = 0
  const next = (): string => {
    token.lastIndex = at
    const found = token.exec(text)
    at = token.lastIndex
    return found?.[1] ?? ''
  }
  const read = (first: string, depth: number): Tree | undefined => {
    if (depth > 100) return undefined
    if (first === '[') {
      const items: Tree[] = []
      let word = next()
      if (word === ']') return { kind: 'array', items }
      for (;;) {
        const item = read(word, depth + 1)
        if (item === undefined) return undefined
        items.push(item)
        word = next()
        if (word === ']') return { kind: 'array', items }
        if (word !== ',') return undefined
        word = next()
      }
    }
    if (first === '{') {
      const members: [string, Tree][] = []
      let word = next()
      if (word === '}') return { kind: 'object', members }
      for (;;) {
        if (!word.startsWith('"') || next() !== ':') return undefined
        const value = read(next(), depth + 1)
        if (value === undefined) return undefined
        members.push([word, value])
        word = next()
        if (word === '}') return { kind: 'object', members }
        if (word !== ',') return undefined
        word = next()
      }
    }
    return first === '' || '}],:'.includes(first) ? undefined : { kind: 'leaf', text: first }
  }
  return read(next(), 0)
}

const blanks = ['', '', '', '', ' ', '\n', '\t', '\r\n', '  ']
const badBlanks = ['\v', '\f', '\u00a0', '\u2028', '/**/', '//\n', '\ufeff', '\u0000', ',']

/** Without `random` as short as can be; with it white space may stand wherever it can, and now and then what is none. */
export function printTree(tree: Tree, random?: Random): string {
  const blank = (): string => {
    if (random === undefined) return ''
    return random.chance(0.001) ? random.pick(badBlanks) : random.pick(blanks)
  }
  const print = (one: Tree): string => {
    switch (one.kind) {
      case 'leaf':
        return one.text
      case 'array':
        return `[${blank()}${one.items.map(print).join(`${blank()},${blank()}`)}${blank()}]`
      case 'object': {
        const members = one.members.map(([key, value]) => `${key}${blank()}:${blank()}${print(value)}`)
        return `{${blank()}${members.join(`${blank()},${blank()}`)}${blank()}}`
      }
    }
  }
  return `${blank()}${print(tree)}${blank()}`
}
