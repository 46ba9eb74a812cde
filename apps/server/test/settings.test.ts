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

  test('the reference page is what the schema says', () => {
    const page = new URL('../../../docs/settings.md', import.meta.url)
    expect(readFileSync(page, 'utf8')).toBe(settingsReference())
  })
})
