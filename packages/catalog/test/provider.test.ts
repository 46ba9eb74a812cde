import { credential, type ProviderType, providerTypes, urlProblem } from '@switchyard/kinds'
import { describe, expect, test } from 'vitest'
import { carriedBy, type ProviderRow, pathOf, providerRow, providers } from '../src/index.ts'

const rows = providers.map(row => [row.type, row] as const)

describe('every type of Provider', () => {
  test('has its row, in the order of the list', () => {
    expect(providers.map(({ type }) => type)).toEqual(providerTypes)
  })

  test.each(rows)(
    '%s: its addresses could be written by a person, and its paths stand below them',
    (_, row) => {
      if (row.baseUrl !== undefined) {
        expect(urlProblem(row.baseUrl)).toBeUndefined()
        expect(row.baseUrl).not.toMatch(/\/$/)
        expect(row.example).toBe(row.baseUrl)
      }
      expect(urlProblem(row.docs)).toBeUndefined()
      const paths = Object.values(row.paths)
      expect(paths.length).toBeGreaterThan(0)
      for (const path of paths) expect(path).toMatch(/^\/[a-z{]/)
      for (const name of Object.keys(row.headers)) expect(name).toBe(name.toLowerCase())
      expect(Object.isFrozen(row)).toBe(true)
    },
  )

  test.each(rows.filter(([type]) => type !== 'open-inference'))(
    '%s: chat goes to the path of the dialect that it speaks',
    (_, row) => {
      const chat: Readonly<Record<ProviderRow['speech']['dialect'], string>> = {
        openai: 'chat.completions',
        responses: 'responses',
        anthropic: 'messages',
        gemini: 'generateContent',
        ollama: 'ollama.chat',
      }
      expect(Object.keys(row.paths)).toContain(chat[row.speech.dialect])
    },
  )
})

test.each<[ProviderType, string]>([
  ['openai', 'https://api.openai.com/v1/chat/completions'],
  ['groq', 'https://api.groq.com/openai/v1/chat/completions'],
  ['zhipu', 'https://open.bigmodel.cn/api/paas/v4/chat/completions'],
  ['volcengine', 'https://ark.cn-beijing.volces.com/api/v3/chat/completions'],
])('%s answers chat at %s', (type, url) => {
  const row = providerRow(type)
  expect(`${row.baseUrl}${pathOf(row, 'chat.completions', 'm')}`).toBe(url)
})

test('a model stands in the path as one step, whatever it is called', () => {
  const row = providerRow('gemini')
  expect(pathOf(row, 'generateContent', 'a/../b$&?c')).toBe('/models/a%2F..%2Fb%24%26%3Fc:generateContent')
  expect(pathOf(row, 'chat.completions', 'a')).toBeUndefined()
})

describe('a credential goes along', () => {
  const spec = (given: unknown) => credential.spec.parse(given)
  test.each([
    ['openai', {}, { value: 'k' }, ['authorization', 'Bearer k'], ''],
    ['anthropic', {}, { value: 'k' }, ['x-api-key', 'k'], ''],
    ['azure-openai', {}, { value: 'k' }, ['api-key', 'k'], ''],
    ['gemini', {}, { value: 'k' }, ['x-goog-api-key', 'k'], ''],
    ['gemini', { type: 'query', name: 'key' }, { value: 'a&b=c' }, [], 'key=a%26b%3Dc'],
    ['openai', { type: 'header', name: 'X-Token' }, { value: 'k' }, ['x-token', 'k'], ''],
    ['openai', { type: 'basic', username: 'u' }, { value: 'p' }, ['authorization', 'Basic dTpw'], ''],
    ['openai', { type: 'custom' }, { headers: { 'X-A': '1', 'x-b': '2' } }, ['x-a', '1', 'x-b', '2'], ''],
    [
      'openai',
      {},
      { value: 'k', headers: { 'OpenAI-Organization': 'o' } },
      ['authorization', 'Bearer k', 'openai-organization', 'o'],
      '',
    ],
    ['ollama', {}, {}, [], ''],
  ] as const)('%s %j', (type, given, secret, headers, query) => {
    expect(carriedBy(providerRow(type), spec(given), secret)).toEqual({ headers, query })
  })
})
