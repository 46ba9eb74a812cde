import { randomBytes } from 'node:crypto'
import { type Document, endpoint, kinds } from '@switchyard/kinds'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commonPasswords } from '../src/common-passwords.ts'
import { mintKey, parseKey } from '../src/keys.ts'
import { canonical, type Json, mergePatch } from '../src/merge-patch.ts'
import { createPasswords, isWeak, passwordProblems } from '../src/password.ts'
import { waitSeconds } from '../src/patience.ts'
import { parseFieldSelector, parseLabelSelector, selects } from '../src/selector.ts'
import { keyring } from '../src/session.ts'

describe('merge patch', () => {
  // RFC 7396, appendix A.
  test.each<[Json, Json, Json]>([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('of %j with %j is %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result)
  })

  const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>
  test('applied twice is applied once', () => {
    fc.assert(
      fc.property(json, json, (target, patch) => {
        const once = mergePatch(target, patch)
        expect(canonical(mergePatch(once, patch))).toBe(canonical(once))
      }),
    )
  })
  test('leaves its arguments as they were', () => {
    fc.assert(
      fc.property(json, json, (target, patch) => {
        const before = canonical([target, patch])
        mergePatch(target, patch)
        expect(canonical([target, patch])).toBe(before)
      }),
    )
  })
})

describe('selectors', () => {
  const document = (labels: Record<string, string>, spec: object = {}) =>
    ({
      kind: 'Endpoint',
      metadata: { name: 'e', workspace: 'w', project: null, labels },
      spec,
      status: {},
    }) as unknown as Document
  test.each([
    ['app=chat', { app: 'chat' }, true],
    ['app==chat', { app: 'web' }, false],
    ['app!=chat', {}, true],
    ['app', { app: '' }, true],
    ['!app', { app: 'x' }, false],
    ['tier in (a, b),app', { tier: 'b', app: 'x' }, true],
    ['tier notin (a,b)', { tier: 'c' }, true],
    ['tier notin (a,b)', {}, true],
    ['switchyard.dev/builtin=true', { 'switchyard.dev/builtin': 'true' }, true],
    ['', {}, true],
  ])('%j with %j is %j', (text, labels, wanted) => {
    expect(selects({ labels: parseLabelSelector(text), fields: [] }, document(labels))).toBe(wanted)
  })
  test.each(['a,,b', 'a in ()x', 'a = b c', '=b', 'a in (b', '-a'])('%j is refused', text => {
    expect(() => parseLabelSelector(text)).toThrow(/requirement|value/)
  })
  test('fields are those that the kind declares', () => {
    const kind = kinds.find(({ kind }) => kind === endpoint.kind)!
    const fields = parseFieldSelector('spec.paused=false,metadata.name!=x', kind)
    expect(selects({ labels: [], fields }, document({}, { paused: false }))).toBe(true)
    expect(selects({ labels: [], fields }, document({}, { paused: true }))).toBe(false)
    expect(() => parseFieldSelector('spec.env=1', kind)).toThrow('cannot be selected by spec.env')
  })
})

describe('an API key', () => {
  test('has its form, its public id and check digits that find any one wrong character', () => {
    fc.assert(
      fc.property(fc.nat({ max: 61 }), fc.nat({ max: 61 }), (place, shift) => {
        const { secret, publicId, hash } = mintKey(randomBytes)
        expect(secret).toMatch(/^sk-sy-[0-9A-Za-z]{12}-[0-9A-Za-z]{49}$/)
        expect(hash).toMatch(/^[0-9a-f]{64}$/)
        expect(parseKey(secret)).toEqual({ publicId })
        const at = 6 + (place % (secret.length - 6))
        const other = String.fromCharCode(97 + (shift % 26))
        if (secret[at] === '-' || secret[at] === other) return
        expect(parseKey(secret.slice(0, at) + other + secret.slice(at + 1))).toBeUndefined()
      }),
    )
  })
})

describe('a password', () => {
  test.each([
    ['short', 'too_small'],
    ['x'.repeat(300), 'too_big'],
    ['Password12345', 'password_common'],
    ['zzzzzzzzzzzz', 'password_common'],
    ['ann.lee.the.first@example.org', 'password_email'],
    ['Ann.Lee.The.First', 'password_email'],
  ])('%j is refused: %s', (password, rule) => {
    expect(
      passwordProblems(password, 'ann.lee.the.first@example.org', 'p').map(problem => problem.rule),
    ).toContain(rule)
  })
  test('of twelve unusual characters is accepted', () => {
    expect(passwordProblems('kestrel over fjord', 'a@b.c', 'p')).toEqual([])
    expect([...commonPasswords].filter(word => word.length < 12)).toEqual([])
    expect(commonPasswords.size).toBeGreaterThan(200)
  })
  test('is kept as argon2id with the parameters of the rule and verifies in any Unicode form', async () => {
    const passwords = createPasswords()
    const phc = await passwords.hash('caf\u00e9 over the fjord')
    expect(phc).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(isWeak(phc)).toBe(false)
    expect(isWeak(phc.replace('m=19456', 'm=4096'))).toBe(true)
    expect(await passwords.verify(phc, 'cafe\u0301 over the fjord')).toBe(true)
    expect(await passwords.verify(phc, 'cafe over the fjord')).toBe(false)
    expect(await passwords.verify(undefined, 'the password of nobody')).toBe(false)
  })
  test('is hashed by four at once; what the queue does not hold is refused', async () => {
    const passwords = createPasswords({ atOnce: 1, queue: 2 })
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map(() => passwords.hash('x')))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected'])
    await expect(passwords.hash('after the rush')).resolves.toMatch(/^\$argon2id/)
  })
  test('may be tried five times; then each failure doubles the wait up to a quarter of an hour', () => {
    const wait = (count: number) =>
      waitSeconds({ count, lastAt: '2026-01-01T00:00:00.000Z' }, Date.parse('2026-01-01'))
    expect([4, 5, 6, 8, 15, 40].map(wait)).toEqual([0, 1, 2, 8, 900, 900])
  })
})

describe('signing keys', () => {
  const day = 86_400_000
  const key = (at: number) => ({
    kid: String(at),
    privateJwk: '',
    publicJwk: '',
    createdAt: new Date(at * day).toISOString(),
  })
  test('the first signs at once, the next is published a day before it signs, the old one until its last token ends', () => {
    expect(keyring([], 0).due).toBe(true)
    expect(keyring([key(0)], 0)).toMatchObject({ signer: { kid: '0' }, due: false })
    expect(keyring([key(0)], 29 * day).due).toBe(true)
    const both = [key(0), key(29)]
    const seen = (at: number) => {
      const { signer, published } = keyring(both, at)
      return [signer?.kid, published.map(({ kid }) => kid)]
    }
    expect(seen(29.5 * day)).toEqual(['0', ['0', '29']])
    expect(seen(30 * day)).toEqual(['29', ['0', '29']])
    expect(seen(30 * day + 3_600_000)).toEqual(['29', ['29']])
  })
})
