import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chainBegin, chainKey, digestOf, LogChain, lostRecord, macOf, startRecord } from './log-chain.js'
import { type ChainVerifierOptions, LogChainVerifier } from './log-chain-verifier.js'

const key = chainKey(Buffer.alloc(32, 7))
const record = (n: number) =>
  `{"version":"mcp-authz.dev/decision/v1","decision_id":"${n}","timestamp":"2026-11-21T04:27:51.503Z","mode":"enforce","decision":"allow","door":"d","listener":"l"}`

/** A log of one process: a start, then records. */
function write(records: number, options: { key?: Buffer } = {}, follows?: string, torn = false): string[] {
  const chain = new LogChain(options)
  const lines = [chain.seal(startRecord(0, { torn, ...(follows !== undefined && { follows }) }))]
  for (let i = 0; i < records; i++) lines.push(chain.seal(record(i)))
  return lines
}

function verify(lines: readonly string[], options: ChainVerifierOptions = {}) {
  const verifier = new LogChainVerifier(options)
  const findings = lines.flatMap((line, i) => verifier.push('f', i + 1, Buffer.from(line)))
  findings.push(...verifier.finish())
  return { findings: findings.map(({ line, problem }) => `${line} ${problem}`), ...verifier.summary }
}

describe('LogChain', () => {
  it('numbers lines and says the digest of the one before', () => {
    const chain = new LogChain()
    const [first, second] = [chain.seal('{"a":1}'), chain.seal('{"a":2}')]
    expect(first).toBe(`{"a":1,"chain":"${chain.id}","seq":0,"prev":"${chainBegin}"}`)
    expect(second).toBe(`{"a":2,"chain":"${chain.id}","seq":1,"prev":"${digestOf(first)}"}`)
  })

  it('makes an HMAC over the line up to it', () => {
    const line = new LogChain({ key }).seal('{"a":1}')
    const [open = ''] = line.split(',"mac"')
    expect(line).toBe(`${open},"mac":"${macOf(key, open)}"}`)
  })

  it('takes back what was not written', () => {
    const chain = new LogChain()
    const { state } = chain
    const first = chain.seal('{"a":1}')
    chain.restore(state)
    expect(chain.seal('{"a":1}')).toBe(first)
  })

  it('refuses a short key', () => {
    expect(() => chainKey(randomBytes(31))).toThrow('at least 32 bytes')
  })
})

describe.each([
  ['without a key', {}],
  ['with a key', { key }],
])('LogChainVerifier %s', (_name, options) => {
  const lines = write(8, options)
  const changed = (i: number) => lines.with(i, (lines[i] ?? '').replace('"allow"', '"deny"'))

  it('finds nothing in what was written', () => {
    const { findings, chains, notes } = verify(lines, options)
    expect(findings).toEqual([])
    expect(notes).toEqual([])
    expect(chains).toMatchObject([{ first: 0, last: 8, digest: digestOf(lines[8] ?? ''), line: 9 }])
  })

  it.each<[string, readonly string[], readonly string[]]>([
    ['a changed line', changed(4), ['5 changed']],
    ['a removed line', lines.toSpliced(4, 1), ['5 missing']],
    ['two removed lines', lines.toSpliced(4, 2), ['5 missing']],
    ['a repeated line', lines.toSpliced(4, 0, lines[3] ?? ''), ['5 order']],
    ['exchanged lines', lines.with(4, lines[5] ?? '').with(5, lines[4] ?? ''), ['5 missing', '6 order', '7 missing']],
    ['an added line', lines.toSpliced(4, 0, record(99)), ['5 unsealed']],
    ['half a line', lines.with(4, (lines[4] ?? '').slice(0, 80)), ['5 unsealed', '6 missing']],
    ['a line that another process sealed', lines.toSpliced(4, 0, write(1, options)[1] ?? ''), ['5 missing']],
    ['a log of another process in the middle', lines.toSpliced(4, 0, ...write(2, options)), ['5 missing']],
    ['lines that were written before', [record(1), ...lines], ['1 unsealed', '2 missing']],
  ])('finds %s', (_what, given, expected) => {
    expect(verify(given, options).findings).toEqual(expected)
  })

  it('notes that the begin is not there', () => {
    const { findings, notes } = verify(lines.slice(3), options)
    expect(findings).toEqual([])
    expect(notes).toEqual([
      expect.stringMatching(/^f:1: the chain \w+ begins at its line 3: the 3 lines before are not/),
    ])
  })

  it('finds a cut end by an anchor only', () => {
    const anchors = [digestOf(lines[8] ?? '')]
    expect(verify(lines.slice(0, -2), options).findings).toEqual([])
    expect(verify(lines.slice(0, -2), { ...options, anchors }).findings).toEqual(['0 anchor'])
    expect(verify(lines, { ...options, anchors }).findings).toEqual([])
  })

  it('follows a log over restarts', () => {
    const again = write(2, options, digestOf(lines[8] ?? ''))
    const both = [...lines, ...again]
    expect(verify(both, options)).toMatchObject({ findings: [], chains: [{ last: 8 }, { last: 2 }] })
    expect(verify(both.toSpliced(8, 1), options).findings).toEqual(['9 missing'])
    expect(verify([...lines, ...write(2, options)], options).findings).toEqual(['10 missing'])
    expect(verify(again, options)).toMatchObject({ findings: [], notes: [expect.stringContaining('had lines before')] })
  })

  it('follows chains that stand mixed', () => {
    const others = write(8, options)
    const mixed = lines.flatMap((line, i) => [line, others[i] ?? ''])
    expect(verify(mixed, { ...options, merged: true }).findings).toEqual([])
    expect(verify(mixed.toSpliced(7, 1), { ...options, merged: true }).findings).toEqual(['9 missing'])
  })

  it('takes the rest of a line for what it is if the log says so', () => {
    const half = (lines[8] ?? '').slice(0, 100)
    const again = write(1, options, digestOf(lines[7] ?? ''), true)
    expect(verify([...lines.slice(0, 8), half, ...again], options)).toMatchObject({ findings: [], torn: 1 })
    expect(verify([...lines.slice(0, 8), record(1), ...again], options).findings).toEqual(['9 unsealed', '10 missing'])
    expect(verify([...lines, half, ...write(1, options, digestOf(lines[8] ?? ''))], options).findings).toEqual([
      '10 unsealed',
    ])
  })

  it('counts what the log says it lost', () => {
    const chain = new LogChain(options)
    const some = [
      startRecord(0, { torn: false }),
      record(1),
      lostRecord(0, 5, false),
      record(2),
      lostRecord(0, 2, false),
    ]
    expect(
      verify(
        some.map(line => chain.seal(line)),
        options,
      ),
    ).toMatchObject({ findings: [], lost: 7 })
  })

  it('does not mind a last line that is being written', () => {
    const verifier = new LogChainVerifier(options)
    for (const [i, line] of lines.entries()) verifier.push('f', i + 1, Buffer.from(line))
    verifier.push('f', 10, Buffer.from('{"version'), false)
    expect(verifier.finish()).toEqual([])
    expect(verifier.summary.notes).toEqual(['f:10: the last line is not complete; it may still be written'])
  })

  it('finds any change of any byte but in the last line', () => {
    const text = lines.slice(0, -1).join('\n')
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 1, max: 94 }), (at, shift) => {
        const code = text.charCodeAt(at)
        const other = code === 10 ? ' ' : String.fromCharCode(33 + ((code - 33 + shift) % 94))
        fc.pre(other !== text[at])
        const given = `${text.slice(0, at)}${other}${text.slice(at + 1)}\n${lines.at(-1)}`.split('\n')
        expect(verify(given, options).findings).not.toEqual([])
      }),
      { numRuns: 300 },
    )
  })
})

describe('LogChainVerifier and keys', () => {
  it('finds a chain that somebody made without the key, or with another one', () => {
    const [other] = [chainKey(Buffer.alloc(32, 8))]
    expect(verify(write(2), { key }).findings).toEqual(['1 unproven'])
    expect(verify(write(1, { key: other }), { key }).findings).toEqual(['1 changed', '2 changed'])
  })

  const batches = (from: LogChain, sizes: readonly number[]) =>
    sizes.flatMap(size => Array.from({ length: size }, (_, i) => from.seal(record(i), i === size - 1)))
  const begun = (follows?: string) => {
    const chain = new LogChain({ key })
    return {
      chain,
      start: chain.seal(startRecord(0, { torn: false, ...(follows !== undefined && { follows }) }), false),
    }
  }

  it('takes one HMAC for all lines before it', () => {
    const { chain, start } = begun()
    const lines = [start, ...batches(chain, [3, 1, 4])]
    expect(lines.filter(line => line.includes('"mac"')).length).toBe(3)
    expect(verify(lines, { key }).findings).toEqual([])
    expect(verify(lines.slice(0, -1), { key }).findings).toEqual(['6 unproven'])
    expect(verify(lines.toSpliced(2, 1), { key }).findings).toEqual(['3 missing'])
    expect(verify(lines.with(6, (lines[6] ?? '').replace('allow', 'deny')), { key }).findings).toEqual(['7 changed'])
  })

  it('finds lines that somebody changed and sealed again without the key', () => {
    const { chain, start } = begun()
    const lines = [start, ...batches(chain, [3, 4])]
    const forged = (lines[5] ?? '').replace('allow', 'deny')
    const next = (lines[6] ?? '').replace(digestOf(lines[5] ?? ''), digestOf(forged))
    const last = (lines[7] ?? '').replace(digestOf(lines[6] ?? ''), digestOf(next))
    const made = [...lines.slice(0, 5), forged, next, last]
    expect(verify(made).findings).toEqual([])
    expect(verify(made, { key }).findings).toEqual(['8 changed'])
    expect(verify([...made.slice(0, 7), last.replace(/,"mac":"[^"]+"/, '')], { key }).findings).toEqual(['5 unproven'])
  })

  it('takes the HMAC of the next process for lines that the one before could not prove', () => {
    const { chain, start } = begun()
    const lines = [start, ...batches(chain, [3, 4])].slice(0, -1)
    const next = begun(digestOf(lines.at(-1) ?? ''))
    const both = [...lines, next.start, ...batches(next.chain, [2])]
    expect(verify(both, { key }).findings).toEqual([])
    expect(verify(both.slice(0, -1), { key }).findings).toEqual(['5 unproven'])
  })

  it('finds a change of the last line with a key', () => {
    const lines = write(3, { key })
    expect(verify(lines.with(3, (lines[3] ?? '').replace('allow', 'deny')), { key }).findings).toEqual(['4 changed'])
  })
})
