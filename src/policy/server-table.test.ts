import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Server } from './server.js'
import { createServerTable } from './server-table.js'

const server = (name: string, path: string, more: Partial<Server> = {}): Server =>
  ({ name, namespace: 'ns', host: 'mcp.example.com', path, mode: 'Enforce', ...more }) as unknown as Server

describe('the Server of an address', () => {
  const servers = [
    server('root', '/'),
    server('mcp', '/mcp'),
    server('deep', '/mcp/deep/er'),
    server('slash', '/mcp/s/'),
  ]
  const table = createServerTable(servers, {
    addresses: [
      { host: 'mcp.example.com', path: '/mcp/closed' },
      { host: 'mcp.example.com', path: '/mcp' },
    ],
    unknownAddress: false,
  })

  it.each([
    ['/', 'root'],
    ['/mcp', 'mcp'],
    ['/mcp/', 'mcp'],
    ['/mcpx', 'root'],
    ['/mcp/deep', 'mcp'],
    ['/mcp/deep/er', 'deep'],
    ['/mcp/deep/er/still', 'deep'],
    ['/mcp/deep/erx', 'mcp'],
    ['/mcp/s/', 'slash'],
    ['/mcp/s//x', 'slash'],
    ['/mcp/s/x', 'mcp'],
    ['/mcp/closed', undefined],
    ['/mcp/closed/x', undefined],
    ['/mcp/closedx', 'mcp'],
    ['', undefined],
    ['mcp', undefined],
  ])('%s', (path, name) => {
    expect(table.byAddress('MCP.example.com:443', path)?.name).toBe(name)
    expect(table.byAddress('other.example.com', path)).toBeUndefined()
  })
})

it('is the one with the longest path that holds the path of the request, however many there are', () => {
  const path = fc.array(fc.constantFrom('a', 'b', 'ab', ''), { maxLength: 4 }).map(segments => `/${segments.join('/')}`)
  fc.assert(
    fc.property(fc.array(path, { maxLength: 12 }), fc.array(path, { maxLength: 4 }), path, (paths, closed, asked) => {
      const servers = paths.map((one, at) => server(`s${at}`, one))
      const addresses = closed.map(one => ({ host: 'mcp.example.com', path: one }))
      const found = createServerTable(servers, { addresses, unknownAddress: false }).byAddress('mcp.example.com', asked)
      const all = [
        ...servers.map(one => ({ path: one.path, name: one.name })),
        ...addresses.map(one => ({ ...one, name: undefined })),
      ]
      const holding = all.filter(one =>
        one.path === '/' ? true : asked === one.path || asked.startsWith(`${one.path}/`),
      )
      holding.sort((a, b) => b.path.length - a.path.length)
      expect(found?.name).toBe(holding[0]?.name)
    }),
  )
})

it('takes no longer for a path of many segments', () => {
  const table = createServerTable([server('mcp', '/mcp')])
  const asked = `/x${'/a'.repeat(500_000)}`
  const before = process.cpuUsage()
  for (let n = 0; n < 1000; n++) expect(table.byAddress('mcp.example.com', asked)).toBeUndefined()
  expect(process.cpuUsage(before).user).toBeLessThan(2_000_000)
})
