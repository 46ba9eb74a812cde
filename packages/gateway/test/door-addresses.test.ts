// Where a call comes from, and which addresses are let in.
import { isWithin, parseAddress, parseCidr } from '@switchyard/kinds'
import { array, assert, constantFrom, integer, property, string, tuple } from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  AddressSet,
  admits,
  callerAddress,
  checkAddress,
  compileAddressRules,
} from '../src/door/addresses.ts'

const proxies = new AddressSet(['10.0.0.0/8', 'fd00::/8'])
const from = (peer: string, ...forwarded: string[]) => callerAddress(peer, forwarded, proxies)

describe('the address of a caller', () => {
  it.each([
    ['the socket’s, whatever it says of itself', '203.0.113.7', ['1.1.1.1'], '203.0.113.7'],
    ['the socket’s when a proxy says nothing', '10.0.0.1', [], '10.0.0.1'],
    ['what a listed proxy says', '10.0.0.1', ['1.1.1.1'], '1.1.1.1'],
    ['the rightmost that is not listed, not the leftmost', '10.0.0.1', ['9.9.9.9, 1.1.1.1'], '1.1.1.1'],
    ['found behind two listed proxies', '10.0.0.1', ['9.9.9.9, 1.1.1.1, 10.2.2.2'], '1.1.1.1'],
    ['found across several headers', '10.0.0.1', ['9.9.9.9, 1.1.1.1', '10.2.2.2', 'fd00::2'], '1.1.1.1'],
    ['the outermost proxy’s when all are listed', '10.0.0.1', ['10.0.0.3,10.0.0.2'], '10.0.0.3'],
    ['the proxy’s when it wrote no address', '10.0.0.1', ['1.1.1.1, unknown'], '10.0.0.1'],
    ['the proxy’s when it wrote nothing', '10.0.0.1', ['1.1.1.1,'], '10.0.0.1'],
    ['the proxy’s when the header is empty', '10.0.0.1', [''], '10.0.0.1'],
    ['read with its port', '10.0.0.1', ['1.1.1.1:443'], '1.1.1.1'],
    ['read with brackets and a port', '10.0.0.1', ['[2001:db8::1]:443'], '2001:db8::1'],
    ['IPv4 on a socket of both families', '::ffff:10.0.0.1', ['::ffff:1.1.1.1'], '1.1.1.1'],
    ['read without the zone of a link', 'fe80::1%eth0', [], 'fe80::1'],
  ])('is %s', (_, peer, forwarded, expected) => {
    expect(from(peer, ...forwarded)).toEqual(parseAddress(expected))
  })

  it('is not known once the socket has gone', () => {
    expect(from('', '1.1.1.1')).toBeUndefined()
  })

  it('is looked for behind a bounded number of proxies', () => {
    const forged = `1.1.1.1, ${Array.from({ length: 40 }, (_, i) => `10.0.1.${i}`).join(', ')}`
    expect(from('10.0.0.1', forged)).toEqual(parseAddress('10.0.1.24'))
  })

  it('is never one that an unlisted peer wrote', () => {
    const noise = string({ unit: constantFrom(...'0123456789.,: af[]%x'.split('')) })
    assert(
      property(array(noise), forwarded => {
        expect(from('203.0.113.7', ...forwarded)).toEqual(parseAddress('203.0.113.7'))
        expect(() => from('10.0.0.1', ...forwarded)).not.toThrow()
      }),
    )
  })
})

describe('a set of addresses', () => {
  it('holds exactly what one of its ranges holds', () => {
    const ipv4 = integer({ min: 0, max: 0xff }).map(low => `10.0.${low >> 4}.${low & 15}`)
    const ipv6 = integer({ min: 0, max: 0xff }).map(
      low => `fd00::${(low >> 4).toString(16)}:${(low & 15).toString(16)}`,
    )
    const cidr = tuple(constantFrom(4, 6), integer({ min: 0, max: 0xff }), integer({ min: 0, max: 10 })).map(
      ([version, low, zeros]) => {
        const kept = (((low >> 4) << 16) | (low & 15)) & ~((1 << zeros) - 1)
        return version === 4
          ? `10.0.${(low >> 4) & ~((1 << Math.max(0, zeros - 8)) - 1)}.${zeros >= 8 ? 0 : (low & 15) & ~((1 << zeros) - 1)}/${32 - zeros}`
          : `fd00::${(kept >> 16).toString(16)}:${(kept & 0xffff).toString(16)}/${128 - zeros}`
      },
    )
    assert(
      property(
        array(cidr, { maxLength: 12 }),
        array(constantFrom(ipv4, ipv6).chain(x => x)),
        (cidrs, texts) => {
          const set = new AddressSet(cidrs)
          for (const text of texts) {
            const address = parseAddress(text)
            if (!address) throw new Error(text)
            const expected = cidrs.some(range => {
              const parsed = parseCidr(range)
              return parsed !== undefined && isWithin(address, parsed)
            })
            expect(set.has(address)).toBe(expected)
          }
        },
      ),
    )
  })

  it.each(['10.0.0.0/33', '10.0.0.1/8', 'localhost', '', 'fd00::/129', '1.2.3'])(
    'is not made of %j',
    text => {
      expect(() => new AddressSet([text])).toThrow(/is no range of addresses/)
    },
  )
})

describe('rules of addresses', () => {
  const office = { allow: ['192.0.2.0/24', '2001:db8::/32'], deny: ['192.0.2.66'] }
  it.each([
    ['nothing', {}, '8.8.8.8', true],
    ['an empty denial', { deny: [] }, '8.8.8.8', true],
    ['an empty list', { allow: [] }, '8.8.8.8', false],
    ['a list that holds it', office, '192.0.2.1', true],
    ['a list that holds it, in IPv6', office, '2001:db8::9', true],
    ['a list that does not hold it', office, '192.0.3.1', false],
    ['both lists', office, '192.0.2.66', false],
    ['a denial of others', { deny: ['10.0.0.0/8'] }, '8.8.8.8', true],
    ['a denial of everybody', { deny: ['0.0.0.0/0', '::/0'] }, '8.8.8.8', false],
    ['a list, of an unknown caller', office, 'gone', false],
    ['a denial, of an unknown caller', { deny: ['10.0.0.0/8'] }, 'gone', false],
  ])('that say %s answer for %s', (_, spec, caller, expected) => {
    expect(admits(compileAddressRules(spec), parseAddress(caller))).toBe(expected)
  })

  it('must all let a caller in', () => {
    const [listener, key] = [compileAddressRules({ deny: ['10.0.0.0/8'] }), compileAddressRules(office)]
    expect(() => checkAddress(parseAddress('192.0.2.1'), listener, undefined, key)).not.toThrow()
    expect(() => checkAddress(parseAddress('10.0.0.1'), listener, undefined)).toThrow(
      expect.objectContaining({ code: 'denied', reason: 'ip_denied' }),
    )
    expect(() => checkAddress(parseAddress('8.8.8.8'), listener, key)).toThrow(/not allowed/)
  })
})
