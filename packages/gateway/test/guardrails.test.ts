// Guardrails in the way of real requests, in every dialect, plain and streamed.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bed, document } from './bed.ts'
import { ScriptedUpstream } from './upstream.ts'

let bed: Bed
let engine: ScriptedUpstream
let key: string

beforeEach(async () => {
  bed = await Bed.start()
  engine = await ScriptedUpstream.start()
  bed.endpoint('tiny', [engine.address])
  key = bed.key()
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
})

function guard(spec: object): void {
  bed.add(
    document('Guardrail', 'default', 'rule', {
      stage: 'both',
      action: 'block',
      onFailure: 'closed',
      share: 'all',
      ...spec,
    }),
  )
  bed.route('guarded', { tiers: [{ targets: [{ endpoint: 'tiny' }] }], guardrails: ['rule'] })
}

const say = (content: string) => ({ model: 'guarded', messages: [{ role: 'user', content }] })

describe('a request', () => {
  test('L8: with a forbidden word is refused before anything is counted or sent', async () => {
    guard({ kind: 'keyword', words: ['open sesame'] })
    const answer = await bed.chat(key, say('please ＯＰＥＮ ses\u200bame now'))
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ error: { code: 'content_filter' } })
    expect(engine.seen).toHaveLength(0)
    expect(bed.journal.records).toEqual([])
    expect((await bed.chat(key, say('please open the door'))).status).toBe(200)
  })

  test('is sent without the personal data that is in it', async () => {
    guard({ kind: 'pii', types: ['email', 'cn_phone'], action: 'redact' })
    const answer = await bed.chat(key, say('write to ada@example.org or 13800138000'))
    expect(answer.status).toBe(200)
    const sent = engine.seen[0]?.body.toString() ?? ''
    expect(sent).not.toContain('ada@example.org')
    expect(sent).not.toContain('13800138000')
    expect(sent).toContain('[REDACTED:email]')
    expect(bed.observed).toContainEqual(
      expect.objectContaining({
        type: 'guardrail_found',
        findings: [expect.objectContaining({ rule: 'rule', kind: 'pii', count: 2 })],
      }),
    )
  })

  test('of embeddings is looked at too', async () => {
    guard({ kind: 'keyword', words: ['secret'], action: 'redact' })
    const answer = await bed.post('/v1/embeddings', key, { model: 'guarded', input: ['a secret', 'b'] })
    expect(answer.status).toBe(200)
    expect(engine.seen[0]?.body.toString()).toContain('"input":["a [REDACTED:keyword]","b"]')
  })

  test('L8: whose pattern never ends is refused, and holds up nobody beside it', async () => {
    guard({ kind: 'pattern', patterns: ['(a+)+$'], onFailure: 'closed' })
    await (await bed.chat(key, say('hi'))).text()
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    const hostile = bed.chat(key, say(`${'a'.repeat(40)}!`))
    const beside = await bed.chat(key, { model: 'tiny', messages: [] })
    expect(beside.status).toBe(200)
    expect((await hostile).status).toBe(400)
    delay.disable()
    // The pattern alone would take years, and was let run for 50 ms on a thread.
    expect(delay.percentile(50) / 1e6).toBeLessThan(50)
  })
})

describe('an answer', () => {
  test.each([false, true])('L8: with a forbidden word is never shown (stream %s)', async stream => {
    guard({ kind: 'keyword', words: ['two'], stage: 'response' })
    const answer = await bed.chat(key, { ...say('hi'), stream })
    const text = await answer.text()
    expect(text).not.toContain('two')
    expect(text).toContain('content_filter')
    expect(bed.journal.last).toMatchObject({ end: 'guard_blocked' })
  })

  test('L8: is rewritten in a stream across its events, in the dialect of the caller', async () => {
    guard({ kind: 'keyword', words: ['one two'], stage: 'response', action: 'redact' })
    const answer = await bed.post('/v1/messages', key, { ...say('hi'), max_tokens: 5, stream: true })
    const text = await answer.text()
    expect(text).not.toMatch(/one|two/)
    expect(text).toContain('[REDACTED:keyword]')
    expect(text).toContain('event: message_stop')
    expect(bed.journal.last).toMatchObject({ end: 'done', quantities: { 'tok.out.text': '3' } })
  })

  test('waits for a pattern, streamed and whole', async () => {
    guard({ kind: 'pattern', patterns: ['t[wh]\\w+'], stage: 'response', action: 'redact' })
    const whole = (await (await bed.chat(key, say('hi'))).json()) as {
      choices: { message: { content: string } }[]
    }
    expect(whole.choices[0]?.message.content).toBe('one [REDACTED:pattern] [REDACTED:pattern]')
    const stream = await (await bed.chat(key, { ...say('hi'), stream: true })).text()
    expect(stream).not.toMatch(/two|three/)
    expect(stream).toContain('[DONE]')
  })

  test('is refused when it is not what the schema wants', async () => {
    guard({ kind: 'schema', stage: 'response', schema: { type: 'object' } })
    const answer = await bed.chat(key, say('hi'))
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ error: { code: 'content_filter' } })
  })
})

test('L9: a webhook that cannot be reached refuses where the rule is closed, and where it is open passes and is flagged', async () => {
  guard({ kind: 'webhook', url: 'https://guard.invalid/', timeoutMs: 200, stage: 'request' })
  const spoken = 'the words of the caller'
  const refused = await bed.chat(key, say(spoken))
  expect(refused.status).toBe(400)
  expect(await refused.json()).toMatchObject({ error: { code: 'content_filter' } })
  bed.change('Guardrail', 'rule', { spec: { onFailure: 'open' } })
  const [rule] = bed.documents.filter(({ kind }) => kind === 'Guardrail')
  if (rule) Object.assign(rule.metadata, { resourceVersion: '2' })
  bed.swap()
  expect((await bed.chat(key, say(spoken))).status).toBe(200)
  const found = bed.observed.filter(({ type }) => type === 'guardrail_found')
  expect(found).toHaveLength(2)
  for (const one of found)
    expect(one).toMatchObject({ findings: [{ rule: 'rule', kind: 'webhook', failure: 'unavailable' }] })
  expect(bed.told).not.toContain('words of the')
})
