// What a browser is told about calls from pages of other origins.
import { Fault } from '@switchyard/kinds'
import { describe, expect, it } from 'vitest'
import { compileCors, type Preflight } from '../src/door/cors.ts'

const app = 'https://app.example.com'
const cors = compileCors({ origins: [app, 'http://localhost:3000'] })
const read = (headers: readonly string[]) => {
  const found: Record<string, string[]> = {}
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? ''
    found[name] = [...(found[name] ?? []), headers[i + 1] ?? '']
  }
  return found
}
const ask = (given: Partial<Preflight> = {}) =>
  read(cors.preflight({ origin: app, method: 'POST', ...given }))

describe('a preflight', () => {
  it('of a listed origin is told what it may do', () => {
    const headers =
      'authorization,content-type,x-stainless-lang,x-stainless-retry-count,x-switchyard-tags,anthropic-version'
    expect(ask({ headers })).toEqual({
      'access-control-allow-origin': [app],
      vary: ['origin', 'access-control-request-method, access-control-request-headers'],
      'access-control-allow-methods': ['POST'],
      'access-control-allow-headers': [headers.replaceAll(',', ', ')],
      'access-control-max-age': ['7200'],
    })
  })

  it.each([
    'https://evil.example.com',
    'https://app.example.com.evil.com',
    'http://app.example.com',
    'null',
    '',
  ])('of %j is told nothing', origin => {
    expect(Object.keys(ask({ origin }))).toEqual(['vary'])
  })

  it.each(['PUT', 'CONNECT', 'post', 'GET, POST', '*'])('is not allowed the method %s', method => {
    expect(ask({ method })['access-control-allow-methods']).toBeUndefined()
  })

  it('is allowed the headers that are read, and no other', () => {
    const headers =
      'cookie, x-forwarded-for, Authorization, host, x-stainless-a\r\nb, *, x-stainless-OS, proxy-authorization'
    expect(ask({ headers })['access-control-allow-headers']).toEqual(['authorization, x-stainless-os'])
    expect(ask({ headers: 'cookie' })['access-control-allow-headers']).toBeUndefined()
    const many = Array.from({ length: 5000 }, (_, i) => `x-stainless-${i}`).join()
    expect(ask({ headers: many })['access-control-allow-headers']?.[0]?.split(',').length).toBe(100)
  })
})

describe('another answer', () => {
  it('may be read with its headers by a listed origin, and is made once', () => {
    const { 'access-control-expose-headers': exposed, ...rest } = read(cors.reply(app))
    expect(rest).toEqual({ 'access-control-allow-origin': [app], vary: ['origin'] })
    const names = exposed?.[0]?.split(', ')
    expect(names).toEqual(
      expect.arrayContaining([
        'x-request-id',
        'request-id',
        'retry-after-ms',
        'x-switchyard-cost',
        'x-ratelimit-reset-tokens',
        'anthropic-ratelimit-requests-remaining',
      ]),
    )
    expect(new Set(names).size).toBe(names?.length)
    expect(cors.reply(app)).toBe(cors.reply(app))
  })

  it.each([undefined, 'https://evil.example.com'])('to %j only says that origins differ', origin => {
    expect(cors.reply(origin)).toEqual(['vary', 'origin'])
  })
})

describe('every origin', () => {
  it('is allowed by a star, which never comes with credentials', () => {
    const open = compileCors({ origins: ['*'] })
    expect(read(open.reply('https://a.example.com'))).toMatchObject({ 'access-control-allow-origin': ['*'] })
    expect(read(open.preflight({ origin: 'null', method: 'GET' }))).toMatchObject({
      'access-control-allow-origin': ['*'],
    })
    expect([...open.reply(app), ...open.preflight({ origin: app, method: 'GET' })].join()).not.toContain(
      'credentials',
    )
    expect(() => compileCors({ origins: ['*'], credentials: true })).toThrow(Fault)
    expect(() => compileCors({ origins: [app, '*'], credentials: true })).toThrow(Fault)
  })

  it('is refused when none is listed', () => {
    const none = compileCors({ origins: [] })
    expect(none.reply(app)).toEqual(['vary', 'origin'])
    expect(Object.keys(read(none.preflight({ origin: app, method: 'GET' })))).toEqual(['vary'])
  })

  it('that is listed may be allowed credentials', () => {
    const trusted = compileCors({ origins: [app], credentials: true })
    expect(read(trusted.reply(app))).toMatchObject({ 'access-control-allow-credentials': ['true'] })
  })

  it.each([
    'app.example.com',
    'https://app.example.com/',
    'https://App.example.com',
    'https://*.example.com',
    'null',
    'file:///a',
  ])('written as %j is refused', origin => {
    expect(() => compileCors({ origins: [origin] })).toThrow(Fault)
  })
})
