/**
 * RFC 7541, Appendix B: the length in bits of the code of each octet, and of EOS at the end. The code is canonical: codes of one
 * length follow each other in the order of their symbols, and so the lengths say it all.
 */
// biome-ignore format: rows of 32 octets
export const huffmanLengths: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
]

export const endOfString = 256

export interface HuffmanCode {
  readonly symbol: number
  readonly code: number
  readonly bits: number
}

/** All codes, by length and symbol. */
export function huffmanCodes(): HuffmanCode[] {
  const symbols = huffmanLengths
    .map((bits, symbol) => ({ symbol, bits }))
    .sort((a, b) => a.bits - b.bits || a.symbol - b.symbol)
  let code = 0
  let length = 0
  return symbols.map(({ symbol, bits }) => {
    code = code * 2 ** (bits - length)
    length = bits
    const made = { symbol, bits, code }
    code++
    return made
  })
}
