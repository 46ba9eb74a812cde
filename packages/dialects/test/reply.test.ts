import { openai } from '@switchyard/dialects'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const name = openai.publicName('public')
const chunk = (members: object) => `data: ${JSON.stringify({ id: 'c1', model: 'up', ...members })}\n\n`
const text = (content: string) => chunk({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })
const role = chunk({
  choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }],
})
const finish = chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
const report = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 }
const usage = chunk({ choices: [], usage: report })
const filter = chunk({ choices: [], prompt_filter_results: [] })
const done = 'data: [DONE]\n\n'

function tap(stream: string, options: { usage: boolean }, cuts: readonly number[] = []) {
  const bytes = Buffer.from(stream)
  const tapped = new openai.StreamTap({ name, ...options })
  const out: Buffer[] = []
  const places = [...new Set(cuts.map(cut => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  for (const [i, from] of [0, ...places].entries()) {
    if (tapped.terminal || tapped.error) break
    tapped.push(Buffer.from(bytes.subarray(from, places[i] ?? bytes.length)))
    if (tapped.out) out.push(tapped.out)
  }
  tapped.finish()
  if (tapped.out) out.push(tapped.out)
  return { text: Buffer.concat(out).toString(), tapped }
}
const renamed = (stream: string) => stream.replaceAll('"model":"up"', '"model":"public"')

describe('a stream', () => {
  const whole = `: hi\r\n\r\n${role}${text('a')}${filter}${text('b')}${finish}${usage}${done}`

  test('passes byte for byte but for the model name and the usage chunk nobody asked for, whatever the chunks', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 10 }), fc.boolean(), (cuts, asked) => {
        const { text: out, tapped } = tap(whole, { usage: asked }, cuts)
        const expected = renamed(whole).replace(done, '')
        expect(out).toBe(asked ? expected : expected.replace(renamed(usage), ''))
        expect(tapped.terminal?.toString()).toBe(done)
        expect(tapped.usage?.quantities).toEqual({ 'tok.in.uncached': 5n, 'tok.out.text': 2n })
        expect(tapped.deltas).toBe(2)
      }),
      { numRuns: 300 },
    )
  })

  test('lets the very bytes pass when nothing is to be changed', () => {
    const tapped = new openai.StreamTap({ name: openai.publicName('up'), usage: true })
    const bytes = Buffer.from(role + text('a'))
    tapped.push(bytes)
    expect(tapped.out).toBe(bytes)
  })

  test.each([
    ['a role', role, false],
    ['a comment', ': ping\n\n', false],
    ['an empty delta', chunk({ choices: [{ delta: { content: '' } }] }), false],
    ['text', text('x'), true],
    ['a tool call', chunk({ choices: [{ delta: { tool_calls: [{ index: 0 }] } }] }), true],
    ['reasoning', chunk({ choices: [{ delta: { reasoning_content: 'hm' } }] }), true],
    ['a refusal', chunk({ choices: [{ delta: { refusal: 'no' } }] }), true],
    ['legacy text', chunk({ choices: [{ text: 'x', index: 0 }] }), true],
    ['a finish reason', finish, true],
  ])('%s begins the answer: %#', (_, event, begun) => {
    const tapped = new openai.StreamTap({ name, usage: false })
    tapped.push(Buffer.from(event))
    expect(tapped.begun).toBe(begun)
  })

  test('without [DONE] after a finish reason is complete, with [DONE] written for it', () => {
    expect(tap(text('a') + finish, { usage: false }).tapped.terminal?.toString()).toBe(done)
  })

  test('whose last event lacks the blank line is read to its end', () => {
    const { text: out, tapped } = tap((text('a') + finish).trimEnd(), { usage: false })
    expect(out).toBe(renamed(text('a') + finish))
    expect(tapped.terminal).toBeDefined()
  })

  test('that ends with neither is cut', () => {
    expect(tap(text('a') + text('b'), { usage: false }).tapped.terminal).toBeUndefined()
  })

  test('an error event is never forwarded, and keeps its own code and type', () => {
    const error =
      'data: {"error":{"message":"secret host 10.0.0.1","type":"overloaded_error","code":529}}\n\n'
    const { text: out, tapped } = tap(text('a') + error + text('b') + done, { usage: false })
    expect(out).toBe(renamed(text('a')))
    expect(tapped.error).toEqual({ status: 529, type: 'overloaded_error' })
    expect(tapped.terminal).toBeUndefined()
  })

  test('a malformed event is withheld and counted; three in a row end the stream', () => {
    const bad = 'data: {"choices":[{"delta":{"content":"x"}}\n\n'
    const { text: out, tapped } = tap(text('a') + bad + text('b') + finish + done, { usage: false })
    expect(out).toBe(renamed(text('a') + text('b') + finish))
    expect(tapped).toMatchObject({ malformed: 1, error: undefined, deltas: 2 })
    expect(tap(text('a') + bad + bad + bad + done, { usage: false }).tapped.error).toBeDefined()
  })
})

describe('a whole reply', () => {
  test('passes byte for byte but for the model name, and its usage is tapped', () => {
    const body = `{ "id":"1", "model" : "up","choices":[],"usage":${JSON.stringify(report)} }\n`
    const reply = openai.readReply(Buffer.from(body), name)
    expect(reply?.bytes.toString()).toBe(body.replace('"up"', '"public"'))
    expect(reply?.usage?.quantities).toEqual({ 'tok.in.uncached': 5n, 'tok.out.text': 2n })
  })

  test('cut at any byte is no reply', () => {
    const body = Buffer.from('{"id":"1","choices":[{"message":{"content":"é"}}]}')
    for (let end = 0; end < body.length; end++)
      expect(openai.readReply(body.subarray(0, end), name)).toBeUndefined()
  })

  test('that is an error in spite of its 200 is seen', () => {
    const reply = openai.readReply(Buffer.from('{"error":{"message":"x","code":"503"}}'), name)
    expect(reply?.error?.status).toBe(503)
  })
})

describe('a usage report', () => {
  test.each([
    [
      { prompt_tokens: 10, completion_tokens: 4, total_tokens: 14 },
      { 'tok.in.uncached': 10n, 'tok.out.text': 4n },
    ],
    [
      {
        prompt_tokens: 10,
        completion_tokens: 4,
        total_tokens: 14,
        prompt_tokens_details: { cached_tokens: 8 },
      },
      { 'tok.in.uncached': 2n, 'tok.in.cache_read': 8n, 'tok.out.text': 4n },
    ],
    [
      {
        prompt_tokens: 10,
        completion_tokens: 9,
        total_tokens: 19,
        completion_tokens_details: { reasoning_tokens: 6 },
      },
      { 'tok.in.uncached': 10n, 'tok.out.text': 3n, 'tok.out.reasoning': 6n },
    ],
    [
      {
        prompt_tokens: 10,
        completion_tokens: 3,
        total_tokens: 19,
        completion_tokens_details: { reasoning_tokens: 6 },
      },
      { 'tok.in.uncached': 10n, 'tok.out.text': 3n, 'tok.out.reasoning': 6n },
    ],
    [
      { prompt_tokens: 10, completion_tokens: 1, prompt_cache_hit_tokens: 4, prompt_cache_miss_tokens: 6 },
      { 'tok.in.uncached': 6n, 'tok.in.cache_read': 4n, 'tok.out.text': 1n },
    ],
    [{ prompt_tokens: 10, total_tokens: 10 }, { 'tok.in.uncached': 10n }],
  ])('%j is parted into disjoint classes', (given, quantities) => {
    expect(openai.normaliseUsage(given, 'engine')).toEqual({ quantities, source: 'engine', flags: [] })
  })

  test.each([
    { prompt_tokens: 10, completion_tokens: 4, total_tokens: 15 },
    {
      prompt_tokens: 10,
      completion_tokens: 4,
      total_tokens: 14,
      prompt_tokens_details: { cached_tokens: 11 },
    },
    { prompt_tokens: 10, completion_tokens: -4, total_tokens: 6 },
  ])('%j contradicts itself and is flagged', given => {
    expect(openai.normaliseUsage(given, 'engine')?.flags).toEqual(['partition_mismatch'])
  })

  test('C11: classes are never negative and sum to what was reported', () => {
    const tokens = fc.nat(1000)
    fc.assert(
      fc.property(tokens, tokens, tokens, tokens, (prompt, completion, cached, reasoning) => {
        const usage = openai.normaliseUsage(
          {
            prompt_tokens: prompt,
            completion_tokens: completion,
            total_tokens: prompt + completion,
            prompt_tokens_details: { cached_tokens: cached },
            completion_tokens_details: { reasoning_tokens: reasoning },
          },
          'engine',
        )
        const parts = Object.values(usage?.quantities ?? {})
        expect(parts.every(part => part >= 0n)).toBe(true)
        expect(parts.reduce((sum, part) => sum + part, 0n)).toBe(BigInt(prompt + completion))
      }),
    )
  })

  test('timings of llama.cpp tell the cached part', () => {
    const given = { prompt_tokens: 10, completion_tokens: 1, total_tokens: 11 }
    expect(openai.normaliseUsage(given, 'engine', { cache_n: 7 })?.quantities['tok.in.cache_read']).toBe(7n)
  })

  test('without a count is no report', () => {
    expect(openai.normaliseUsage({}, 'engine')).toBeUndefined()
    expect(openai.normaliseUsage(null, 'engine')).toBeUndefined()
  })
})
