import { describe, expect, it } from 'vitest'
import { type CpuProfile, printProfile, summarizeProfile } from './summarize-profile.js'

const root = 'file:///anywhere/src'
const frame = (functionName: string, url = '', lineNumber = -1) => ({ functionName, url, lineNumber })

/** (root) > idle, and a door that calls the protocol, which calls itself, a package that calls native code, and Node. */
const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)'), children: [2, 3, 9] },
    { id: 2, callFrame: frame('(idle)') },
    { id: 3, callFrame: frame('handle', `${root}/doors/ext-authz/check.ts`, 9), children: [4, 7] },
    { id: 4, callFrame: frame('read', `${root}/protocol/read.ts`, 0), children: [5, 6] },
    { id: 5, callFrame: frame('read', `${root}/protocol/read.ts`, 0) },
    { id: 6, callFrame: frame('', 'file:///anywhere/node_modules/@scope/package/index.js', 4), children: [8] },
    { id: 7, callFrame: frame('write', 'node:net', 1) },
    { id: 8, callFrame: frame('memcpy') },
    { id: 9, callFrame: frame('(garbage collector)') },
  ],
  samples: [2, 3, 4, 5, 6, 7, 8, 9, 3],
  timeDeltas: [900, 10, 20, 10, 10, 10, 10, 20, 10],
}

describe('a profile', () => {
  const summary = summarizeProfile(profile)
  const shares = (of: readonly (readonly [string, number])[]) =>
    Object.fromEntries(of.map(([what, share]) => [what, Math.round(share * 100)]))

  it('is summarised by room, without the time in which nothing was done', () =>
    expect(shares(summary.rooms)).toEqual({
      'doors/ext-authz': 20,
      protocol: 30,
      'node_modules/@scope/package': 10,
      node: 10,
      '(native code: system calls, built-in functions)': 10,
      '(garbage collector)': 20,
    }))

  it('counts what is called for the room that calls it', () =>
    expect(shares(summary.callingRooms)).toEqual({
      'doors/ext-authz': 30,
      protocol: 50,
      '(garbage collector)': 20,
    }))

  it('names functions, each without what it calls', () =>
    expect(shares(summary.functions)).toMatchObject({
      'read src/protocol/read.ts:1': 30,
      'handle src/doors/ext-authz/check.ts:10': 20,
      '(anonymous) node_modules/@scope/package/index.js:5': 10,
      memcpy: 10,
    }))

  it('and functions of the program with what they call, one that calls itself once', () =>
    expect(shares(summary.inclusive)).toEqual({
      'handle src/doors/ext-authz/check.ts:10': 80,
      'read src/protocol/read.ts:1': 50,
    }))

  it('is printed with what each takes of a decision', () => {
    const printed = printProfile(summary, 50, 2)
    expect(printed).toContain(' 50.0 %  25.00 µs  protocol')
    expect(printed).not.toContain('memcpy')
  })
})
