import { describe, expect, it } from 'vitest'
import { type AuthzenListener, listenerProblem } from './authzen-listener.js'

const tls = { cert: 'c', key: 'k' }
const mtls = { ...tls, clientCA: 'ca' }
const loopback = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const
const anywhere = { kind: 'tcp', host: '0.0.0.0', port: 0 } as const
const unix = { kind: 'unix', path: '/run/authzen.sock' } as const

describe('listenerProblem', () => {
  it.each<[string, Partial<AuthzenListener>, string | undefined]>([
    ['nobody checks who asks', { address: loopback }, 'nobody would check'],
    ['nobody checks, and the operator trusts the network', { address: loopback, trust: 'network' }, 'nobody would'],
    ['TLS without client certificates', { address: anywhere, tls }, 'nobody would check'],
    ['a token on loopback', { address: loopback, tokenFile: 't' }, undefined],
    ['a token on loopback, IPv6', { address: { ...loopback, host: '::1' }, tokenFile: 't' }, undefined],
    [
      'a host that begins like loopback',
      { address: { ...loopback, host: '127.0.0.1.example.com' }, tokenFile: 't' },
      'in the clear',
    ],
    ['a token in the clear', { address: anywhere, tokenFile: 't' }, 'in the clear'],
    ['a token over TLS', { address: anywhere, tokenFile: 't', tls }, undefined],
    ['client certificates', { address: anywhere, tls: mtls }, undefined],
    ['client certificates, trusted', { address: anywhere, tls: mtls, trust: 'mtls' }, undefined],
    [
      'trust in certificates that nobody asks for',
      { address: anywhere, tls, tokenFile: 't', trust: 'mtls' },
      'trust: mtls needs',
    ],
    ['a unix socket', { address: unix, trust: 'unix' }, undefined],
    ['trust in a socket that is none', { address: loopback, tokenFile: 't', trust: 'unix' }, 'needs a unix socket'],
    ['TLS on a unix socket', { address: unix, tls: mtls }, 'not spoken on a unix socket'],
    [
      'names that nobody checks',
      { address: anywhere, tokenFile: 't', tls: { ...tls, allowedSANs: ['a'] } },
      'needs tls.clientCA',
    ],
    ['an identifier', { address: unix, identifier: 'https://pdp.example.com:8443' }, undefined],
    ['an identifier with a path', { address: unix, identifier: 'https://pdp.example.com/x' }, 'without a path'],
    ['an identifier in the clear', { address: unix, identifier: 'http://pdp.example.com' }, 'must be https'],
  ])('%s', (_name, listener, expected) => {
    const problem = listenerProblem({ name: 't', trust: 'none', address: unix, ...listener })
    if (expected === undefined) expect(problem).toBeUndefined()
    else expect(problem).toContain(expected)
  })
})
