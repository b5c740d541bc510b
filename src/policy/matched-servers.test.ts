import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileMatch } from './match.js'
import { MatchedServers } from './matched-servers.js'
import type { Server } from './server.js'

function server(name: string, tools?: readonly string[], methods: readonly string[] = []): Server {
  const catalog = tools && { name: `${name}-tools`, tools: new Map(tools.map(tool => [tool, {}])) }
  return { name, methods, catalog } as unknown as Server
}

const names = fc.uniqueArray(fc.stringMatching(/^[ab]{1,3}$/), { maxLength: 8 })
const patterns = fc.option(fc.array(fc.stringMatching(/^[ab*\0]{1,3}$/), { minLength: 1, maxLength: 3 }), {
  nil: undefined,
})

describe('the Servers that a match is about', () => {
  it('are those of which it says so itself, in their order, however often it is asked', () => {
    fc.assert(
      fc.property(names, fc.array(patterns, { maxLength: 6 }), (all, asked) => {
        const servers = all.map(name => server(name))
        const matched = new MatchedServers(servers)
        for (const one of [...asked, ...asked]) {
          const match = compileMatch(one === undefined ? {} : { servers: one })
          expect(matched.of(match)).toEqual(servers.filter(({ name }) => match.server(name)))
        }
      }),
    )
  })

  it('have their tools and methods together; where one has no catalogue, any tool', () => {
    const servers = [server('a', ['x'], ['own/*', 'own/list']), server('b', ['y', 'x']), server('c')]
    const matched = new MatchedServers(servers)
    const both = matched.namesOf(matched.of(compileMatch({ servers: ['b', 'a'] })))
    expect([...(both.tools ?? [])]).toEqual(['x', 'y'])
    expect([...both.methods]).toEqual(['own/list'])
    expect(matched.namesOf(matched.all).tools).toBeUndefined()
    expect(matched.byName('c')).toBe(servers[2])
    expect(matched.byName('d')).toBeUndefined()
  })

  it('are found however many matches have patterns of their own, without all of that being kept', () => {
    const tools = Array.from({ length: 100 }, (_, at) => `tool-${at}`)
    const servers = Array.from({ length: 100 }, (_, at) =>
      server(
        `s${at}`,
        tools.map(tool => `${tool}-${at}`),
      ),
    )
    const matched = new MatchedServers(servers)
    const first = compileMatch({ servers: ['s*'] })
    const found = matched.of(first)
    expect(matched.of(first)).toBe(found)
    for (let at = 0; at < 60; at++) {
      const names = matched.namesOf(matched.of(compileMatch({ servers: ['s*', `other-${at}`] })))
      expect(names.servers.length).toBe(100)
      expect(names.tools?.size).toBe(10_000)
    }
    // What was found first is not kept any more, and is found again.
    expect(matched.of(first)).not.toBe(found)
    expect(matched.of(first)).toEqual(found)
  })
})
