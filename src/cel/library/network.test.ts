import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Cidr, readCidr } from './cidr.js'
import { readIp } from './ip.js'
import { IpAddress, isIpv4Mapped } from './ip-address.js'
import { run, valueOrError } from './kubernetes-libraries.fixture.js'

const address = fc
  .oneof(
    fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map(value => new IpAddress(4, value)),
    fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map(value => new IpAddress(6, value)),
    // With runs of zeros.
    fc.array(fc.constantFrom<bigint>(0n, 0n, 1n, 0xffffn), { minLength: 8, maxLength: 8 }).map(
      groups =>
        new IpAddress(
          6,
          groups.reduce((sum, group) => (sum << 16n) | group, 0n),
        ),
    ),
  )
  .filter(ip => !isIpv4Mapped(ip))

describe('addresses', () => {
  it('are read back from their canonical text', () => {
    fc.assert(
      fc.property(address, ip => {
        const again = readIp(ip.toString())
        expect(again instanceof IpAddress && again.equals(ip)).toBe(true)
      }),
    )
  })

  it('mean the same in full', () => {
    fc.assert(
      fc.property(
        address.filter(({ family }) => family === 6),
        ip => {
          const hex = ip.value.toString(16).padStart(32, '0').toUpperCase()
          const again = readIp(hex.replace(/.{4}(?!$)/g, '$&:'))
          expect(again instanceof IpAddress && again.equals(ip)).toBe(true)
        },
      ),
    )
  })

  it('never parse with a zone, and never make the reader throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789abcdefF:.%/[] \u0661') }), text => {
        const ip = readIp(text)
        if (ip instanceof IpAddress) expect(text).not.toContain('%')
        readCidr(text)
      }),
    )
  })

  it.each([
    ['IPv4-mapped', '::ffff:10.0.0.1'],
    ['IPv4-mapped, as hexadecimal', '::ffff:a00:1'],
    ['octal', '0177.0.0.1'],
    ['hexadecimal', '0x7f.0.0.1'],
    ['short', '127.1'],
    ['one number', '2130706433'],
    ['full-width digits', '\uff11\uff12\uff17.0.0.1'],
    ['ideographic full stops', '127\u30020\u30020\u30021'],
    ['Arabic digits', '\u0661.1.1.1'],
    ['a newline', '127.0.0.1\n'],
    ['a NUL', '127.0.0.1\0'],
    ['brackets', '[::1]'],
    ['a port', '127.0.0.1:80'],
  ])('refuse another spelling of an address: %s', (_, text) => {
    expect(valueOrError('isIP(text)', { variables: { text } })).toBe(false)
    expect(valueOrError('cidr("0.0.0.0/0").containsIP(text)', { variables: { text } })).toBe('error')
    expect(valueOrError('isCIDR(text + "/8")', { variables: { text } })).toBe(false)
  })

  it.each([
    ['digits', '1'.repeat(200_000)],
    ['groups', '1:'.repeat(100_000)],
    ['dots', '.'.repeat(200_000)],
    ['zeros of a group', `::${'0'.repeat(200_000)}1`],
    ['a zone', `fe80::1%${'a'.repeat(200_000)}`],
    ['bits', `10.0.0.0/${'1'.repeat(200_000)}`],
    ['slashes', '/'.repeat(200_000)],
  ])('very many %s take time in proportion, and are charged', (_, text) => {
    for (const call of ['isIP(text)', 'isCIDR(text)']) {
      const started = performance.now()
      const result = run(call, { variables: { text } })
      expect(performance.now() - started).toBeLessThan(1_000)
      expect(result).toMatchObject({ ok: true, value: false })
      expect(result.cost).toBeGreaterThanOrEqual(text.length / 10)
    }
    const contains = run('cidr("10.0.0.0/8").containsIP(text)', { variables: { text }, budget: 10_000_000 })
    expect(contains.cost).toBeGreaterThanOrEqual(text.length / 10)
  })
})

describe('networks', () => {
  it('hold the addresses that begin with their bits', () => {
    fc.assert(
      fc.property(address, address, fc.nat({ max: 128 }), (ip, other, bits) => {
        const length = Math.min(bits, ip.bits)
        const network = new Cidr(ip, length)
        const begins = (address: IpAddress): string =>
          address.value.toString(2).padStart(address.bits, '0').slice(0, length)
        expect(network.containsIp(other)).toBe(ip.family === other.family && begins(ip) === begins(other))
        expect(network.containsIp(ip)).toBe(true)
        expect(network.masked().containsCidr(network)).toBe(true)
        expect(network.containsCidr(network.masked())).toBe(true)
      }),
    )
  })
})
