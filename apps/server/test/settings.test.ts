import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { settingsReference } from '../src/reference.ts'
import { readSettings } from '../src/settings.ts'

describe('settings', () => {
  test('an empty environment is enough', () => {
    expect(readSettings({})).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      baseUrl: 'http://127.0.0.1:8080',
      journalSync: 'interval',
    })
  })

  test('every problem is told at once, each with its name', () => {
    expect(() => readSettings({ SWITCHYARD_PORT: '99999', SWITCHYARD_DATABASE_URL: 'mysql://x' })).toThrow(
      /SWITCHYARD_PORT: .*SWITCHYARD_DATABASE_URL: must look like postgres:/,
    )
  })

  test('a wildcard address is shown as one that can be called', () => {
    expect(readSettings({ SWITCHYARD_HOST: '0.0.0.0' }).baseUrl).toBe('http://127.0.0.1:8080')
  })

  test('the edge is open within what is listed, and closed by what cannot be read', () => {
    expect(readSettings({})).toMatchObject({ tls: undefined, door: { compress: true, proxies: [] } })
    const given = {
      SWITCHYARD_TLS_CERT: '/tls/cert.pem',
      SWITCHYARD_TLS_KEY: '/tls/key.pem',
      SWITCHYARD_CORS_ORIGINS: 'https://a.example.com, https://b.example.com:8443',
      SWITCHYARD_ALLOW_ADDRESSES: '10.0.0.0/8,fd00::/8',
      SWITCHYARD_TRUSTED_PROXIES: '10.1.0.0/16',
      SWITCHYARD_COMPRESS: 'off',
    }
    expect(readSettings(given)).toMatchObject({
      tls: { files: { cert: '/tls/cert.pem', key: '/tls/key.pem' }, port: 8443 },
      door: {
        compress: false,
        cors: { origins: ['https://a.example.com', 'https://b.example.com:8443'] },
        addresses: { allow: ['10.0.0.0/8', 'fd00::/8'], deny: [] },
        proxies: ['10.1.0.0/16'],
      },
    })
    expect(() => readSettings({ SWITCHYARD_TLS_CERT: '/tls/cert.pem' })).toThrow(/given together/)
    expect(() =>
      readSettings({ SWITCHYARD_CORS_ORIGINS: 'a.example.com', SWITCHYARD_DENY_ADDRESSES: '10.0.0.1/8' }),
    ).toThrow(/SWITCHYARD_CORS_ORIGINS: must be origins.*SWITCHYARD_DENY_ADDRESSES: must be ranges/)
  })

  test('limits are counted in memory by one gateway process, and in the database by several', () => {
    expect(readSettings({}).limiter).toEqual({ type: 'memory' })
    expect(readSettings({ SWITCHYARD_WORKERS: '1' }).limiter).toEqual({ type: 'memory' })
    expect(readSettings({ SWITCHYARD_WORKERS: '2' }).limiter).toEqual({ type: 'postgres' })
    expect(readSettings({ SWITCHYARD_LIMITER: 'postgres' }).limiter).toEqual({ type: 'postgres' })
  })

  test('several workers refuse to count limits each in its own memory', () => {
    expect(() => readSettings({ SWITCHYARD_WORKERS: '2', SWITCHYARD_LIMITER: 'memory' })).toThrow(
      /2 workers cannot share the limits .*: say postgres or redis/,
    )
  })

  test('what is done while shared limits are away is said, and is the local share where it is not', () => {
    expect(readSettings({}).limiterLoss).toBe('local_share')
    expect(readSettings({ SWITCHYARD_LIMITER_LOSS: 'closed' }).limiterLoss).toBe('closed')
    expect(() => readSettings({ SWITCHYARD_LIMITER_LOSS: 'shut' })).toThrow(/SWITCHYARD_LIMITER_LOSS/)
  })

  test('the URL of a Redis is checked and sealed', () => {
    const { limiter } = readSettings({ SWITCHYARD_LIMITER: 'redis://:canary@127.0.0.1:6379/0' })
    expect(limiter.type).toBe('redis')
    expect(JSON.stringify(limiter)).not.toContain('canary')
    expect(() => readSettings({ SWITCHYARD_LIMITER: 'memcached' })).toThrow(
      /must be memory, postgres or redis:/,
    )
  })

  test('the reference page is what the schema says', () => {
    const page = new URL('../../../docs/settings.md', import.meta.url)
    expect(readFileSync(page, 'utf8')).toBe(settingsReference())
  })
})
