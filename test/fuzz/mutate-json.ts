import { numbers, oddKeys, protocolKeys, strings, words } from './dictionary.js'
import { type ArrayTree, type ObjectTree, printTree, readTree, type Tree } from './json-tree.js'
import type { Random } from './random.js'

/** Changes JSON where its parts are, and now and then writes it in another encoding. Undefined for what is no JSON. */
export function mutateJson(text: string, random: Random, changes: number): Uint8Array | undefined {
  const tree = readTree(text)
  if (tree === undefined) return undefined
  // A root that can be replaced like any other value.
  const holder: ArrayTree = { kind: 'array', items: [tree] }
  for (let i = 0; i < changes; i++) change(holder, random)
  const printed = printTree(holder.items[0] ?? tree, random.chance(0.5) ? random : undefined)
  return encode(printed, random)
}

function encode(text: string, random: Random): Uint8Array {
  if (random.chance(0.985)) return Buffer.from(text, 'utf8')
  const encoding = random.pick(['utf16le', 'latin1', 'bom'] as const)
  return encoding === 'bom' ? Buffer.from(`\ufeff${text}`, 'utf8') : Buffer.from(text, encoding)
}

interface Place {
  readonly value: Tree
  replace(value: Tree): void
}

function change(root: ArrayTree, random: Random): void {
  const places: Place[] = []
  const objects: ObjectTree[] = []
  const arrays: ArrayTree[] = []
  const visit = (tree: Tree): void => {
    if (tree.kind === 'array') {
      if (tree !== root) arrays.push(tree)
      tree.items.forEach((value, at) => {
        places.push({ value, replace: other => tree.items.splice(at, 1, other) })
        visit(value)
      })
    } else if (tree.kind === 'object') {
      objects.push(tree)
      for (const member of tree.members) {
        const [, value] = member
        places.push({ value, replace: other => member.splice(1, 1, other) })
        visit(value)
      }
    }
  }
  visit(root)
  if (objects.length > 0 && random.chance(0.6)) changeObject(random.pick(objects), random)
  else if (arrays.length > 0 && random.chance(0.2)) random.pick(arrays).items.push(anyValue(random, 1))
  else {
    const place = random.pick(places)
    place.replace(replacement(place.value, places, random))
  }
}

function changeObject({ members }: ObjectTree, random: Random): void {
  const at = random.int(members.length + 1)
  const member = members[at]
  switch (random.int(7)) {
    case 0:
      members.splice(at, 0, [anyKey(random), anyValue(random, 2)])
      return
    case 1:
      if (member !== undefined) members.push([respell(member[0], random), anyValue(random, 1)])
      return
    case 2:
      if (member !== undefined) members.splice(random.int(members.length + 1), 0, [member[0], member[1]])
      return
    case 3:
      if (member !== undefined) member[0] = refold(member[0], random)
      return
    case 4:
      if (member !== undefined) member[0] = respell(member[0], random)
      return
    case 5:
      members.splice(at, 1)
      return
    default:
      members.reverse()
  }
}

function replacement(value: Tree, places: readonly Place[], random: Random): Tree {
  switch (random.int(5)) {
    case 0:
      return anyValue(random, 3)
    case 1:
      // A copy: a value that held itself could not be printed.
      return structuredClone(random.pick(places).value)
    case 2:
      return { kind: 'array', items: [value] }
    case 3:
      return value.kind === 'leaf' && value.text.startsWith('"')
        ? { kind: 'leaf', text: respell(value.text, random) }
        : anyValue(random, 0)
    default: {
      // Near the limit of depth, on either side of it.
      let deep = value
      for (let depth = random.chance(0.2) ? 58 + random.int(10) : random.few(8); depth > 0; depth--) {
        deep = random.chance(0.5) ? { kind: 'array', items: [deep] } : { kind: 'object', members: [['"a"', deep]] }
      }
      return deep
    }
  }
}

function anyKey(random: Random): string {
  return random.chance(0.5) ? random.pick(oddKeys) : refold(JSON.stringify(random.pick(protocolKeys)), random)
}

export function anyValue(random: Random, depth: number): Tree {
  const kind = random.int(depth > 0 ? 6 : 4)
  if (kind === 4) return { kind: 'array', items: list(random, () => anyValue(random, depth - 1)) }
  if (kind === 5) return { kind: 'object', members: list(random, () => [anyKey(random), anyValue(random, depth - 1)]) }
  return { kind: 'leaf', text: random.pick([numbers, strings, words, strings][kind] ?? words) }
}

function list<T>(random: Random, item: () => T): T[] {
  return Array.from({ length: random.few(4) }, item)
}

/** The same string with some characters as escapes. */
function respell(quoted: string, random: Random): string {
  return quoted.replaceAll(/(?<!\\|\\u[0-9a-fA-F]{0,3})[a-zA-Z_/.]/g, character => {
    if (!random.chance(0.15)) return character
    const hex = character.charCodeAt(0).toString(16).padStart(4, '0')
    return `\\u${random.chance(0.5) ? hex : hex.toUpperCase()}`
  })
}

/** Another string that a reader that ignores case, or blanks, takes for the same. */
function refold(quoted: string, random: Random): string {
  switch (random.int(6)) {
    case 0:
      return quoted.toUpperCase().replaceAll('\\U', '\\u')
    case 1:
      return quoted.replace(/s/, '\u017f')
    case 2:
      return quoted.replace(/k/, '\u212a')
    case 3:
      return quoted.replace(/[a-z]/, first => first.toUpperCase())
    case 4:
      return quoted.replace(/"$/, random.pick([' "', '\\u0000"', '\\n"', '\u200b"']))
    default:
      return quoted
  }
}
