import { describe, expect, it } from 'vitest'
import { normalizedUrl } from './normalized-url.js'

describe('normalizedUrl', () => {
  it.each([
    ['as it is', 'https://mcp.example.com/mcp', 'https://mcp.example.com/mcp'],
    ['capitals', 'HTTPS://MCP.Example.COM/mcp', 'https://mcp.example.com/mcp'],
    ['the default port', 'https://mcp.example.com:443/mcp', 'https://mcp.example.com/mcp'],
    ['the default port of http', 'http://mcp.example.com:80/mcp', 'http://mcp.example.com/mcp'],
    ['another port', 'https://mcp.example.com:8443/mcp', 'https://mcp.example.com:8443/mcp'],
    ['the port of the other scheme', 'https://mcp.example.com:80/mcp', 'https://mcp.example.com:80/mcp'],
    ['an empty port', 'https://mcp.example.com:/mcp', 'https://mcp.example.com/mcp'],
    ['a query', 'https://mcp.example.com/mcp?a=b', 'https://mcp.example.com/mcp'],
    ['a fragment', 'https://mcp.example.com/mcp#a?b', 'https://mcp.example.com/mcp'],
    ['a query behind the host', 'https://mcp.example.com?/mcp', 'https://mcp.example.com/'],
    ['no path', 'https://mcp.example.com', 'https://mcp.example.com/'],
    ['IPv6', 'http://[::1]:8080/mcp', 'http://[::1]:8080/mcp'],
    ['a path in other case', 'https://mcp.example.com/MCP', 'https://mcp.example.com/MCP'],
    ['a slash at the end', 'https://mcp.example.com/mcp/', 'https://mcp.example.com/mcp/'],
    ['an encoded path', 'https://mcp.example.com/%6dcp', 'https://mcp.example.com/%6dcp'],
    ['dots', 'https://mcp.example.com/a/../mcp', 'https://mcp.example.com/a/../mcp'],
    ['user information', 'https://mcp.example.com@evil.example/mcp', undefined],
    ['a backslash', 'https://mcp.example.com\\@evil.example/mcp', undefined],
    ['another scheme', 'ftp://mcp.example.com/mcp', undefined],
    ['no scheme', 'mcp.example.com/mcp', undefined],
    ['no host', 'https:///mcp', undefined],
    ['empty', '', undefined],
  ])('%s', (_, url, expected) => {
    expect(normalizedUrl(url)).toBe(expected)
  })
})
