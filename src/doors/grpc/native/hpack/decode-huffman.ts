import { endOfString, huffmanCodes } from './huffman-lengths.js'

/** What four bits lead to, in each inner node of the tree: the next node, and perhaps an octet on the way. */
interface Machine {
  /** Node × 16 + bits: the next node in the lower octet, and the two flags. */
  readonly steps: Uint16Array
  /** Node × 16 + bits: the octet, where {@link emits} is set. No code is shorter than five bits: one at most. */
  readonly octets: Uint8Array
  /** 1 for nodes where a string may end: what was read since the last octet is padding as §5.2 wants it. */
  readonly mayEnd: Uint8Array
}

const emits = 0x100
const fails = 0x200
const machine = buildMachine()

/**
 * Decodes a Huffman string (RFC 7541 §5.2) into `target`, which must have room for 8/5 of it.
 * @returns octets written, or -1: EOS within the string, or padding that is longer than seven bits or not all ones
 */
export function decodeHuffman(source: Uint8Array, start: number, end: number, target: Uint8Array): number {
  const { steps, octets, mayEnd } = machine
  let node = 0
  let length = 0
  for (let at = start; at < end; at++) {
    const octet = source[at] ?? 0
    let index = (node << 4) | (octet >> 4)
    let step = steps[index] ?? fails
    if (step >= emits) {
      if (step >= fails) return -1
      target[length++] = octets[index] ?? 0
    }
    index = ((step & 0xff) << 4) | (octet & 15)
    step = steps[index] ?? fails
    if (step >= emits) {
      if (step >= fails) return -1
      target[length++] = octets[index] ?? 0
    }
    node = step & 0xff
  }
  return mayEnd[node] === 1 ? length : -1
}

function buildMachine(): Machine {
  // Two children per node: another node, or -1 - symbol.
  const children: [number, number][] = [[0, 0]]
  for (const { symbol, code, bits } of huffmanCodes()) {
    let node = 0
    for (let bit = bits - 1; bit >= 0; bit--) {
      const side = Math.floor(code / 2 ** bit) % 2 === 0 ? 0 : 1
      const pair = children[node]
      if (pair === undefined) throw new Error('a node is missing')
      if (bit === 0) pair[side] = -1 - symbol
      else {
        if (pair[side] === 0) pair[side] = children.push([0, 0]) - 1
        node = pair[side]
      }
    }
  }
  const steps = new Uint16Array(children.length * 16)
  const octets = new Uint8Array(children.length * 16)
  for (let node = 0; node < children.length; node++) {
    for (let bits = 0; bits < 16; bits++) {
      let at = node
      let flags = 0
      for (let bit = 3; bit >= 0; bit--) {
        const next = children[at]?.[(bits >> bit) & 1] ?? 0
        if (next >= 0) at = next
        else {
          const symbol = -1 - next
          flags |= symbol === endOfString ? fails : emits
          octets[node * 16 + bits] = symbol & 0xff
          at = 0
        }
      }
      steps[node * 16 + bits] = at | flags
    }
  }
  const mayEnd = new Uint8Array(children.length)
  let ones = 0
  for (let depth = 0; depth < 8; depth++) {
    mayEnd[ones] = 1
    ones = children[ones]?.[1] ?? 0
  }
  return { steps, octets, mayEnd }
}
