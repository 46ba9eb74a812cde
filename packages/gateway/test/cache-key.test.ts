// Requests that must not share an answer never have one key; requests that may, do.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cacheKey, type KeyParts, type PartitionParts, partitionKey } from '../src/cache/key.ts'

const question = '{"model":"chat","temperature":0,"messages":[{"role":"user","content":"hi"}]}'

function rangeOf(text: string, part: string) {
  const start = text.indexOf(part)
  return { start, end: start + part.length }
}

const parts: KeyParts = {
  workspace: 'acme',
  scope: { type: 'workspace', id: 'w1' },
  dialect: 'openai',
  operation: 'chat.completions',
  streamed: false,
  modelRevision: 'llama@7',
  shownModel: 'chat',
  route: { id: 'r1', generation: 3 },
  guardrails: [{ id: 'g1', generation: 1 }],
  anthropicVersion: undefined,
  anthropicBeta: undefined,
  openaiBeta: undefined,
  body: Buffer.from(question),
  model: rangeOf(question, '"chat"'),
}
const key = cacheKey(parts)

describe('a key', () => {
  it('is 64 hex digits, the same for the same parts', () => {
    expect(key).toMatch(/^[0-9a-f]{64}$/)
    expect(cacheKey({ ...parts, body: Buffer.from(question) })).toBe(key)
  })

  it('leaves out how the body spells the model, wherever that stands', () => {
    const spelled = question.replace('"chat"', '"a longer \\u006eame"')
    const other = { body: Buffer.from(spelled), model: rangeOf(spelled, '"a longer \\u006eame"') }
    expect(cacheKey({ ...parts, ...other })).toBe(key)
  })

  const others: Readonly<Record<string, Partial<KeyParts>>> = {
    workspace: { workspace: 'other' },
    'kind of scope': { scope: { type: 'project', id: 'w1' } },
    'scope id': { scope: { type: 'workspace', id: 'w2' } },
    dialect: { dialect: 'responses' },
    operation: { operation: 'completions' },
    'stream flag': { streamed: true },
    'model revision': { modelRevision: 'llama@8' },
    'name of the model in the answer': { shownModel: 'chat-2' },
    route: { route: { id: 'r2', generation: 3 } },
    'route generation': { route: { id: 'r1', generation: 4 } },
    guardrail: { guardrails: [{ id: 'g2', generation: 1 }] },
    'guardrail generation': { guardrails: [{ id: 'g1', generation: 2 }] },
    'guardrail that is gone': { guardrails: [] },
    'anthropic-version': { anthropicVersion: '2023-06-01' },
    'anthropic-beta': { anthropicBeta: 'context-1m' },
    'openai-beta': { openaiBeta: 'assistants=v2' },
    'beta in another header': { anthropicBeta: 'assistants=v2' },
    'header that is empty': { anthropicBeta: '' },
    'byte of the body': { body: Buffer.from(question.replace('hi', 'ho')) },
    'space in the body': { body: Buffer.from(`${question} `) },
    'place of the model': { model: { start: 0, end: 6 } },
  }

  it.each(Object.entries(others))('is another one for another %s', (_, other) => {
    expect(cacheKey({ ...parts, ...other })).not.toBe(key)
  })

  it('never joins two of these', () => {
    const keys = Object.values(others).map(other => cacheKey({ ...parts, ...other }))
    expect(new Set(keys).size).toBe(keys.length)
  })

  it('keeps its parts apart, whatever they hold', () => {
    const text = fc.string({ maxLength: 4, unit: fc.constantFrom('"', ',', '[', 'a', '\\', '\n', '\ud800') })
    const some = fc.record({
      workspace: text,
      modelRevision: text,
      shownModel: text,
      anthropicBeta: fc.option(text, { nil: undefined }),
      openaiBeta: fc.option(text, { nil: undefined }),
      body: text.map(said => Buffer.from(said)),
    })
    fc.assert(
      fc.property(some, some, (one, other) => {
        const at = { start: 0, end: 0 }
        const same = JSON.stringify(Object.entries(one)) === JSON.stringify(Object.entries(other))
        const keys = [one, other].map(given => cacheKey({ ...parts, ...given, model: at }))
        expect(keys[0] === keys[1]).toBe(same)
      }),
      { numRuns: 500 },
    )
  })

  it('refuses a range that is not in the body', () => {
    expect(() => cacheKey({ ...parts, model: { start: 5, end: 500 } })).toThrow(TypeError)
    expect(() => cacheKey({ ...parts, model: { start: 9, end: 5 } })).toThrow(TypeError)
  })
})

describe('a partition', () => {
  const near: PartitionParts = {
    ...parts,
    question: rangeOf(question, '"hi"'),
    embeddingRevision: 'minilm@1',
  }

  it('is one for two questions to the same system, tools and parameters', () => {
    const other = question.replace('"hi"', '"good morning"')
    const asked = { body: Buffer.from(other), question: rangeOf(other, '"good morning"') }
    expect(partitionKey({ ...near, ...asked })).toBe(partitionKey(near))
  })

  it('is another one where anything else differs', () => {
    const others: Partial<PartitionParts>[] = [
      { workspace: 'other' },
      { scope: { type: 'workspace', id: 'w2' } },
      { modelRevision: 'llama@8' },
      { route: { id: 'r1', generation: 4 } },
      { guardrails: [] },
      { anthropicBeta: 'context-1m' },
      { embeddingRevision: 'minilm@2' },
      { body: Buffer.from(question.replace(':0', ':1')) },
      { body: Buffer.from(question.replace('user', 'tool')) },
    ]
    const keys = [near, ...others.map(other => ({ ...near, ...other }))].map(partitionKey)
    expect(new Set(keys).size).toBe(keys.length)
    expect(keys).not.toContain(key)
  })

  it('finds the question before the model as well as after it', () => {
    const turned = '{"messages":[{"role":"user","content":"hi"}],"model":"chat"}'
    const asked = {
      body: Buffer.from(turned),
      model: rangeOf(turned, '"chat"'),
      question: rangeOf(turned, '"hi"'),
    }
    expect(partitionKey({ ...near, ...asked })).toMatch(/^[0-9a-f]{64}$/)
    expect(() => partitionKey({ ...near, ...asked, question: asked.model })).toThrow(TypeError)
  })
})
