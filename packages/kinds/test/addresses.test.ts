import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isWithin, parseAddress, parseCidr, refusedAddress, urlProblem } from '../src/addresses.ts'

const range = (text: string) => {
  const cidr = parseCidr(text)
  if (!cidr) throw new TypeError(`${text} is no range`)
  return cidr
}

describe('an address', () => {
  test.each([
    ['1.2.3.4', 4, 0x01020304n],
    ['::1', 6, 1n],
    ['[::1]', 6, 1n],
    ['::', 6, 0n],
    ['2001:db8::8:800:200c:417a', 6, 0x20010db80000000000080800200c417an],
    ['1:2:3:4:5:6:7::', 6, 0x00010002000300040005000600070000n],
    ['::ffff:10.0.0.1', 4, 0x0a000001n],
    ['::ffff:a00:1', 4, 0x0a000001n],
    ['64:ff9b::1.2.3.4', 6, 0x0064ff9b000000000000000001020304n],
  ] as const)('%s is read', (text, version, value) => {
    expect(parseAddress(text)).toEqual({ version, value })
  })

  test.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '0x7f.0.0.1',
    '2130706433',
    '1.2.3.4 ',
    '::1%eth0',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    '1.2.3.4::',
    '::1.2.3.4:5',
    'example.com',
  ])('%s is none', text => {
    expect(parseAddress(text)).toBeUndefined()
    expect(refusedAddress(text)).toBe('not an IP address')
  })

  test('is read alike however its zeroes are written', () => {
    fc.assert(
      fc.property(fc.ipV6(), text => {
        // Node's own reading of an address, by way of a URL.
        const { hostname } = new URL(`http://[${text}]/`)
        expect(parseAddress(hostname)).toEqual(parseAddress(text))
        expect(parseAddress(text)).toBeDefined()
      }),
    )
    fc.assert(fc.property(fc.ipV4(), text => parseAddress(text)?.version === 4))
  })
})

describe('a range', () => {
  test.each(['10.0.0.0/8', '0.0.0.0/0', '::/0', 'fd00::/8', '10.1.2.3', '::1'])('%s is one', text => {
    expect(parseCidr(text)).toBeDefined()
  })

  test.each([
    '10.0.0.1/8',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/08',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '::ffff:10.0.0.0/104',
    'x/8',
  ])('%s is none', text => {
    expect(parseCidr(text)).toBeUndefined()
  })

  test('holds an address exactly when their leading bits agree', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff), fc.integer({ min: 0, max: 32 }), (a, b, bits) => {
        const mask = bits === 0 ? 0 : (0xffff_ffff << (32 - bits)) >>> 0
        const cidr = { version: 4, value: BigInt((a & mask) >>> 0), bits } as const
        expect(isWithin({ version: 4, value: BigInt(b) }, cidr)).toBe(((a ^ b) & mask) === 0)
      }),
    )
    expect(isWithin({ version: 6, value: 1n }, range('0.0.0.0/0'))).toBe(false)
  })
})

describe('what is not dialled', () => {
  test.each([
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['0.0.0.0', 'unspecified'],
    ['10.1.2.3', 'private'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.1.1', 'private'],
    ['169.254.169.254', 'cloud metadata'],
    ['169.254.170.2', 'cloud metadata'],
    ['100.100.100.200', 'cloud metadata'],
    ['168.63.129.16', 'cloud metadata'],
    ['169.254.1.1', 'link-local'],
    ['100.64.0.1', 'shared (carrier NAT)'],
    ['198.19.255.255', 'benchmarking'],
    ['224.0.0.1', 'multicast'],
    ['255.255.255.255', 'reserved'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:a9fe:a9fe', 'cloud metadata'],
    ['::10.0.0.1', 'IPv4-compatible'],
    ['64:ff9b::a00:1', 'NAT64'],
    ['64:ff9b:1::1', 'NAT64'],
    ['2002:a00:1::', '6to4'],
    ['2001:0:1::', 'reserved (Teredo and others)'],
    ['fd00:ec2::254', 'cloud metadata'],
    ['fd12::1', 'unique local'],
    ['fe80::1', 'link-local'],
    ['fec0::1', 'site-local'],
    ['ff02::1', 'multicast'],
    ['5f00::1', 'segment routing'],
  ])('%s is %s', (ip, what) => {
    expect(refusedAddress(ip)).toBe(what)
  })

  test.each([
    '1.1.1.1',
    '172.15.255.255',
    '172.32.0.1',
    '100.63.255.255',
    '2606:4700::1111',
    '2a00::1',
    '::ffff:8.8.8.8',
  ])('%s is not among them', ip => {
    expect(refusedAddress(ip)).toBeUndefined()
  })

  test('an administrator opens ranges, also for the mapped spelling, and no more than these', () => {
    const allowed = [range('10.0.0.0/24'), range('::1')]
    for (const ip of ['10.0.0.7', '::ffff:10.0.0.7', '::1'])
      expect(refusedAddress(ip, allowed)).toBeUndefined()
    expect(refusedAddress('10.0.1.7', allowed)).toBe('private')
    expect(refusedAddress('127.0.0.1', allowed)).toBe('loopback')
  })
})

describe('the URL of an outside server', () => {
  test.each([
    'https://api.example.com/v1',
    'https://api.example.com:8443',
    'https://1.1.1.1/v1',
    'https://[2606:4700::1111]',
  ])('%s is fine', url => {
    expect(urlProblem(url)).toBeUndefined()
  })

  test.each([
    ['api.example.com/v1', 'must be a URL'],
    ['ftp://example.com', 'must start with https'],
    ['http://example.com', 'allowCidrs only'],
    ['https://user:password@example.com', 'no user or password'],
    ['https://user@example.com', 'no user or password'],
    ['https://example.com/#x', 'no fragment'],
    ['https://example.com/#', 'no fragment'],
    ['https://example.com/?key=1', 'no query'],
    ['https://127.0.0.1', 'loopback'],
    ['https://0x7f.1', 'loopback'],
    ['https://2130706433', 'loopback'],
    ['https://0177.0.0.1', 'loopback'],
    ['https://127.0.0.1./', 'loopback'],
    ['https://[::ffff:10.0.0.1]', 'private'],
    ['https://[::1]', 'loopback'],
    ['https://169.254.169.254/latest', 'cloud metadata'],
    ['https://localhost', 'localhost'],
    ['https://api.localhost.', 'localhost'],
    ['https://metadata.google.internal', 'metadata.google.internal'],
  ])('%s is refused: %s', (url, why) => {
    expect(urlProblem(url)).toContain(why)
  })

  test('http is for addresses that were opened, and so is this machine by name', () => {
    const allowed = [range('10.0.0.0/8'), range('127.0.0.0/8')]
    for (const url of [
      'http://10.0.0.5:8000/v1',
      'https://10.0.0.5',
      'http://localhost:11434',
      'http://127.0.0.1:11434',
    ])
      expect(urlProblem(url, allowed)).toBeUndefined()
    expect(urlProblem('http://1.1.1.1', allowed)).toContain('must start with https')
    expect(urlProblem('http://vllm.internal', allowed)).toContain('must start with https')
    expect(urlProblem('http://localhost', [range('10.0.0.0/8')])).toContain('localhost')
  })
})
