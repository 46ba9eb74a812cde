// Tokens of outside issuers: which are taken, for whom, and every way of forging one.
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:tls'
import { type Fault, parseCidr } from '@switchyard/kinds'
import { afterEach, describe, expect, it } from 'vitest'
import { type FetchKeys, fetchKeys, type KeysObservation } from '../src/door/issuer-keys.ts'
import { createIssuers, type IssuerSpec, type Issuers, type Verified } from '../src/door/issuers.ts'
import { certificateFor } from './certificates.ts'

const start = Date.parse('2026-01-01T00:00:00Z')
const at = (seconds: number) => start / 1000 + seconds

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwkOf = (key: KeyObject, kid: string, alg: string) => ({
  ...key.export({ format: 'jwk' }),
  kid,
  alg,
  use: 'sig',
})
const published = { keys: [jwkOf(rsa.publicKey, 'one', 'RS256'), jwkOf(ec.publicKey, 'two', 'ES256')] }

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const payload = { iss: 'https://id.example.com', aud: 'switchyard', sub: 'ada', org: 'acme', exp: at(600) }

/** A token signed by RS256 unless another way to sign is given. */
function token(
  claims: object = {},
  header: object = {},
  signer: (text: string) => Buffer | '' = text => sign('sha256', Buffer.from(text), rsa.privateKey),
): string {
  const text = `${part({ alg: 'RS256', kid: 'one', ...header })}.${part({ ...payload, ...claims })}`
  const signature = signer(text)
  return `${text}.${signature === '' ? '' : signature.toString('base64url')}`
}
const hmac = (key: string | Buffer) => (text: string) => createHmac('sha256', key).update(text).digest()

const row: IssuerSpec = {
  issuer: 'https://id.example.com',
  audience: ['switchyard', 'https://llm.example.com'],
  algorithms: ['RS256', 'ES256'],
  jwks: published,
  claims: { workspace: { claim: 'org' } },
}

let open: Issuers | undefined
afterEach(() => open?.[Symbol.dispose]())

/** A clock that is set by hand: whoever sleeps wakes when `turn` has passed its time. */
class HandClock {
  time = start
  readonly #sleepers: { readonly until: number; readonly wake: () => void }[] = []
  now = () => this.time
  sleep = (milliseconds: number, signal?: AbortSignal) =>
    new Promise<void>(resolve => {
      this.#sleepers.push({ until: this.time + milliseconds, wake: resolve })
      signal?.addEventListener('abort', () => resolve())
    })
  async turn(milliseconds: number): Promise<void> {
    this.time += milliseconds
    for (const { until, wake } of this.#sleepers) if (until <= this.time) wake()
    for (let i = 0; i < 20; i++) await Promise.resolve()
  }
}

interface Bed {
  readonly issuers: Issuers
  readonly clock: HandClock
  readonly seen: KeysObservation[]
}

function make(
  specs: readonly IssuerSpec[],
  fetch: FetchKeys = () => Promise.reject(new Error('no network')),
): Bed {
  const clock = new HandClock()
  const seen: KeysObservation[] = []
  open = createIssuers({
    issuers: specs,
    fetch,
    clock,
    random: () => 0.5,
    observe: one => void seen.push(one),
  })
  return { issuers: open, clock, seen }
}

async function refusal(issuers: Issuers, text: string, now = start): Promise<string> {
  try {
    const verified = await issuers.verify(text, now)
    return `accepted for ${verified.workspace}`
  } catch (error) {
    const { code, reason, message } = error as Fault // everything else fails the comparison
    return code === 'unauthenticated' && reason === 'invalid_token' ? message : `${code} ${reason} ${message}`
  }
}

describe('a token', () => {
  it('says who calls, and is known at once when it comes again', async () => {
    const { issuers } = make([row])
    const first = issuers.verify(token(), start)
    expect(first).toBeInstanceOf(Promise)
    const verified = await first
    expect(verified).toMatchObject({
      issuer: row.issuer,
      workspace: 'acme',
      subject: 'ada',
      project: null,
      roles: [],
    })
    expect([verified.expiresAt, verified.digest.length]).toEqual([start + 660_000, 64])
    expect(issuers.verify(token(), start + 299_999)).not.toBeInstanceOf(Promise)
  })

  it('is verified anew after 5 minutes, when it was revoked, and not after its end', async () => {
    const { issuers } = make([row])
    const short = token({ exp: at(100) })
    await issuers.verify(short, start)
    expect(issuers.verify(short, start + 159_999)).not.toBeInstanceOf(Promise)
    expect(await refusal(issuers, short, start + 160_000)).toContain('has expired')
    const long = token({ exp: at(9999) })
    await issuers.verify(long, start)
    expect(issuers.verify(long, start + 300_000)).toBeInstanceOf(Promise)
    await issuers.verify(long, start)
    issuers.forget(({ subject }: Verified) => subject === 'ada')
    expect(issuers.verify(long, start)).toBeInstanceOf(Promise)
  })

  it('of a curve, of a list of audiences and without a key’s name is taken as well', async () => {
    const { issuers } = make([row])
    const signed = (text: string) =>
      sign('sha256', Buffer.from(text), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' })
    const curved = token({ aud: ['a', 'https://llm.example.com'] }, { alg: 'ES256', kid: undefined }, signed)
    expect(await refusal(issuers, curved)).toBe('accepted for acme')
  })

  it.each([
    [{ exp: at(-59) }, 'accepted'],
    [{ exp: at(-60) }, 'has expired'],
    [{ nbf: at(60) }, 'accepted'],
    [{ nbf: at(61) }, 'not valid yet'],
    [{ exp: undefined }, 'not accepted'],
    [{ exp: 'tomorrow' }, 'not accepted'],
    [{ nbf: 'now' }, 'not valid yet'],
  ])('of the times %j is answered so', async (claims, expected) => {
    expect(await refusal(make([row]).issuers, token(claims))).toContain(expected)
  })

  it('is remembered among a bounded number of them', async () => {
    const secret = Buffer.alloc(32, 's')
    const { jwks: _, ...rest } = row
    const { issuers } = make([{ ...rest, secret, algorithms: ['HS256'] }])
    const of = (sub: string) => token({ sub }, { alg: 'HS256' }, hmac(secret))
    await issuers.verify(of('first'), start)
    const batch = Array.from({ length: 10_000 }, async (__, i) => issuers.verify(of(`user-${i}`), start))
    await Promise.all(batch)
    expect(issuers.verify(of('first'), start)).toBeInstanceOf(Promise)
    expect(issuers.verify(of('user-9999'), start)).not.toBeInstanceOf(Promise)
  })
})

describe('a forged token', () => {
  const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' })
  const der = rsa.publicKey.export({ type: 'spki', format: 'der' })
  const stranger = (text: string) => sign('sha256', Buffer.from(text), other.privateKey)
  const strangerKey = jwkOf(other.publicKey, 'one', 'RS256')
  it.each([
    ['is not signed: alg none', () => token({}, { alg: 'none' }, () => '')],
    ['is not signed: alg None', () => token({}, { alg: 'None', kid: undefined }, () => '')],
    ['has its signature cut off', () => token().replace(/[^.]+$/, '')],
    ['is signed by HS256 with the public key in PEM', () => token({}, { alg: 'HS256' }, hmac(pem))],
    ['is signed by HS256 with the public key in DER', () => token({}, { alg: 'HS256' }, hmac(der))],
    ['is signed by HS256 with nothing', () => token({}, { alg: 'HS256' }, hmac(''))],
    ['is signed by an algorithm that is not listed', () => token({}, { alg: 'RS512' })],
    ['is signed by somebody else', () => token({}, {}, stranger)],
    ['brings its own key', () => token({}, { jwk: strangerKey }, stranger)],
    ['says where its key is', () => token({}, { jku: 'https://evil.example.com', kid: 'x' }, stranger)],
    ['names a certificate', () => token({}, { x5u: 'https://evil.example.com', x5c: ['AAAA'] }, stranger)],
    ['names a key by a path', () => token({}, { kid: '../../../../dev/null' }, hmac(''))],
    ['names a key by a query', () => token({}, { kid: "one' OR '1'='1" }, stranger)],
    ['names a key by a member of every object', () => token({}, { kid: '__proto__' }, stranger)],
    ['names a key of another kind', () => token({}, { kid: 'two' })],
    ['wants what nobody knows', () => token({}, { crit: ['magic'], magic: true })],
    ['is not coded', () => token({}, { b64: false, crit: ['b64'] })],
    [
      'has another payload than was signed',
      () => token().replace(/\.[^.]+\./, `.${part({ ...payload, org: 'other' })}.`),
    ],
  ])('that %s is refused', async (_, forge) => {
    expect(await refusal(make([row]).issuers, forge())).toContain('not accepted')
  })

  it.each([
    ['of another issuer', () => token({ iss: 'https://evil.example.com' }), 'not trusted'],
    ['of no issuer', () => token({ iss: undefined }), 'not trusted'],
    ['of an issuer that is a list', () => token({ iss: ['https://id.example.com'] }), 'no JWT|not trusted'],
    ['for another audience', () => token({ aud: 'billing' }), 'somebody else'],
    ['for no audience', () => token({ aud: undefined }), 'somebody else'],
    ['of no workspace', () => token({ org: undefined }), 'no workspace'],
    ['of a workspace that is no text', () => token({ org: { a: 1 } }), 'no workspace'],
    ['of nobody', () => token({ sub: undefined }), 'no subject'],
    ['that is no token', () => 'a.b.c', 'no JWT'],
    ['of two parts', () => token().replace(/\.[^.]+$/, ''), 'no JWT|not accepted'],
    ['that is empty', () => '', 'no JWT'],
    ['that is too long', () => token({ pad: 'x'.repeat(17_000) }), 'too long'],
  ])('%s is refused', async (_, forge, words) => {
    expect(await refusal(make([row]).issuers, forge())).toMatch(new RegExp(words))
  })

  it('leaves nothing behind by which it is taken later', async () => {
    const { issuers } = make([row])
    const forged = token({}, {}, stranger)
    expect(await refusal(issuers, forged)).toContain('not accepted')
    expect(await refusal(issuers, forged)).toContain('not accepted')
    expect(await refusal(issuers, token())).toBe('accepted for acme')
  })
})

describe('claims', () => {
  const who = async (claims: IssuerSpec['claims'], given: object) => {
    const {
      issuer: _,
      digest: __,
      expiresAt: ___,
      name: ____,
      ...rest
    } = await make([{ ...row, claims }]).issuers.verify(token(given), start)
    return rest
  }
  it('are taken by name, by path, as a fixed value, and by what they mean here', async () => {
    expect(
      await who(
        {
          workspace: { value: 'team' },
          project: { claim: ['resource', 'https://x.y/p'] },
          role: { claim: 'groups', values: { admins: 'admin', devs: 'developer' } },
          subject: { claim: 'email' },
        },
        {
          resource: { 'https://x.y/p': 'web' },
          groups: ['devs', 'chess', 'admins', 7, '__proto__'],
          email: 'a@b.c',
        },
      ),
    ).toEqual({ workspace: 'team', project: 'web', roles: ['developer', 'admin'], subject: 'a@b.c' })
  })

  it('that are wanted and missing refuse the token, as do values that mean nothing', async () => {
    const narrow = {
      ...row,
      claims: { workspace: { claim: 'org', values: { acme: 'a' } }, project: { claim: 'p' } },
    }
    const { issuers } = make([narrow])
    expect(await refusal(issuers, token())).toContain('no project')
    expect(await refusal(issuers, token({ p: 'web', org: 'other' }))).toContain('no workspace')
    expect(await refusal(issuers, token({ p: 'web', org: 'constructor' }))).toContain('no workspace')
    expect(await refusal(issuers, token({ p: 'web' }))).toBe('accepted for a')
  })
})

describe('an issuer', () => {
  const { jwks: _, ...bare } = row
  const secret = Buffer.alloc(32, 's')
  it.each([
    ['without an audience', { ...row, audience: [] }, 'audience'],
    ['without an algorithm', { ...row, algorithms: [] }, 'at least one'],
    ['that takes none', { ...row, algorithms: ['RS256', 'none'] }, '"none" is no algorithm'],
    ['that takes HS256 with public keys', { ...row, algorithms: ['HS256'] }, 'needs a secret'],
    ['that takes RS256 with a secret', { ...bare, secret }, 'not a secret'],
    [
      'whose secret is short',
      { ...bare, secret: secret.subarray(1), algorithms: ['HS256'] },
      'at least 32 bytes',
    ],
    [
      'whose secret is short for its hash',
      { ...bare, secret, algorithms: ['HS256', 'HS512'] },
      'at least 64 bytes',
    ],
    ['without keys', bare, 'exactly one'],
    ['with two kinds of keys', { ...row, jwksUri: 'https://id.example.com/keys' }, 'exactly one'],
    ['whose keys are none', { ...row, jwks: { keys: 'x' } }, 'jwks cannot be read'],
    ['whose keys are secret', { ...row, jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } }, 'jwks cannot be read'],
    ['whose keys come in plain text', { ...bare, jwksUri: 'http://id.example.com/keys' }, 'https'],
  ])('%s is refused as a row', (__, spec, words) => {
    expect(() => make([spec])).toThrow(words)
  })

  it('may be listed for several audiences, each with its own meaning, and for none twice', async () => {
    const second = { ...row, audience: ['second'], claims: { workspace: { value: 'second' } } }
    const { issuers } = make([row, second])
    expect(await refusal(issuers, token({ aud: 'second' }))).toBe('accepted for second')
    expect(await refusal(issuers, token())).toBe('accepted for acme')
    expect(() => make([row, { ...second, audience: ['switchyard'] }])).toThrow('two rows')
  })
})

describe('published keys', () => {
  const { jwks: _, ...bare } = row
  const remote = { ...bare, jwksUri: 'https://id.example.com/keys' }
  const answer = (set: unknown, status = 200) => ({ status, body: Buffer.from(JSON.stringify(set)) })

  it('are read in the background, waited for by the first token, and read again from time to time', async () => {
    const asked: string[] = []
    const first = Promise.withResolvers<ReturnType<typeof answer>>()
    const { issuers, clock, seen } = make([remote], url => {
      asked.push(url.href)
      return first.promise
    })
    const waiting = issuers.verify(token(), start)
    first.resolve(answer(published))
    expect((await waiting).workspace).toBe('acme')
    expect([asked, seen]).toEqual([
      [remote.jwksUri],
      [{ type: 'issuer_keys_read', issuer: row.issuer, keys: 2 }],
    ])
    await clock.turn(599_000)
    expect(asked.length).toBe(1)
    await clock.turn(1000)
    expect([asked.length, seen.length]).toEqual([2, 1])
  })

  it('that are missing are asked for once, whoever sends however many such tokens', async () => {
    let asked = 0
    let set: unknown = { keys: [published.keys[1]] }
    const { issuers, clock } = make([remote], async () => {
      asked++
      return answer(set)
    })
    expect(await refusal(issuers, token({ jti: 1 }))).toContain('not accepted')
    const flood = Array.from({ length: 50 }, (__, jti) =>
      refusal(issuers, token({ jti }, { kid: `k${jti}` })),
    )
    await Promise.all(flood)
    expect(asked).toBe(2)
    set = published
    expect(await refusal(issuers, token())).toContain('not accepted')
    clock.time += 30_000
    expect(await refusal(issuers, token())).toBe('accepted for acme')
    expect(asked).toBe(3)
  })

  it('that change make remembered tokens be verified anew', async () => {
    let set: unknown = published
    const { issuers, clock } = make([remote], async () => answer(set))
    const lasting = token({ exp: at(9999) })
    await issuers.verify(lasting, start)
    set = { keys: [published.keys[1]] }
    await clock.turn(600_000)
    expect(await refusal(issuers, lasting, start + 1)).toContain('not accepted')
  })

  it('are kept for a day when the issuer fails, which is told, and then no longer believed', async () => {
    let works = true
    const { issuers, clock, seen } = make([remote], async () => (works ? answer(published) : answer({}, 500)))
    const lasting = token({ exp: at(999_999) })
    await issuers.verify(lasting, start)
    works = false
    const hour = 3_600_000
    for (let i = 0; i < 24; i++) await clock.turn(hour)
    expect(await refusal(issuers, lasting, clock.time)).toBe('accepted for acme')
    expect(seen.filter(({ type }) => type === 'issuer_keys_failed').length).toBeGreaterThan(10)
    await clock.turn(hour)
    issuers.forget(() => true)
    expect(await refusal(issuers, lasting, clock.time)).toContain('unavailable issuer_unavailable')
    works = true
    await clock.turn(hour)
    expect(await refusal(issuers, lasting, clock.time)).toBe('accepted for acme')
  })

  it.each([
    ['nothing', () => Promise.reject(new Error('down'))],
    ['a redirect', () => Promise.resolve(answer(published, 302))],
    ['no JSON', () => Promise.resolve({ status: 200, body: Buffer.from('<html>') })],
    ['no keys', () => Promise.resolve(answer({ keys: [] }))],
    ['null', () => Promise.resolve(answer(null))],
    ['secrets', () => Promise.resolve(answer({ keys: [{ kty: 'oct', k: 'c2VjcmV0' }] }))],
    ['more than it may', () => Promise.resolve({ status: 200, body: Buffer.alloc(300_000, ' ') })],
  ])(
    'that were never read, because the issuer gives %s, are no reason to call a token bad',
    async (__, fetch) => {
      const { issuers, seen } = make([remote], fetch)
      expect(await refusal(issuers, token())).toContain('unavailable issuer_unavailable')
      expect(seen[0]?.type).toBe('issuer_keys_failed')
    },
  )

  it('that are broken refuse the token that names them', async () => {
    const broken = { ...published.keys[0], n: 'AQAB' }
    const { issuers } = make([remote], async () => answer({ keys: [broken] }))
    expect(await refusal(issuers, token())).toContain('not accepted')
  })

  it('are read over TLS through a guarded dial', async () => {
    const pair = certificateFor('id.example.com')
    const sockets: Socket[] = []
    const body = JSON.stringify(published)
    const server = createServer(pair, socket => {
      sockets.push(socket)
      socket.on('data', () =>
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`),
      )
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo // it listens on TCP
    const own = parseCidr('127.0.0.1')
    if (!own) throw new Error('no range')
    const resolve = async () => ['127.0.0.1']
    const jwksUri = `https://id.example.com:${port}/keys`
    const allowed = fetchKeys({ resolve, allowed: [own] }, { ca: pair.cert })
    expect(await refusal(make([{ ...remote, jwksUri }], allowed).issuers, token())).toBe('accepted for acme')
    open?.[Symbol.dispose]()
    const dialled = sockets.length
    const refused = make([{ ...remote, jwksUri }], fetchKeys({ resolve, allowed: [] }, { ca: pair.cert }))
    expect(await refusal(refused.issuers, token())).toContain('issuer_unavailable')
    expect([refused.seen[0], sockets.length]).toMatchObject([{ error: { code: 'refused_address' } }, dialled])
    server.close()
  })
})

it('the public key that was used for forging is the one that is published', () => {
  expect(createPublicKey({ key: published.keys[0] ?? {}, format: 'jwk' }).equals(rsa.publicKey)).toBe(true)
})
