// Every caller's dialect in front of every upstream's, over the wire: whole answers, streams, and streams that are cut
// after each of their events.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { at, callers, events, type Heard } from './callers.ts'
import { alike, pairs, settle } from './fleet.ts'
import { readAsked } from './upstream/asked.ts'
import { type Content, model, said, thought, tokens, tool, words } from './upstream/speaker.ts'
import { ScriptedUpstream } from './upstream.ts'

let engine: ScriptedUpstream
beforeAll(async () => {
  engine = await ScriptedUpstream.start()
})
afterAll(() => engine[Symbol.asyncDispose]())

const heard = {
  text: { text: said, thought: '', calls: [] },
  reasoning: { text: said, thought, calls: [] },
  tools: { text: '', thought: '', calls: [[tool.name, tool.args]] },
} as const satisfies Record<Content, Partial<Heard>>

const spent = { 'tok.in.uncached': String(tokens.input), 'tok.out.text': String(tokens.output) }
/** Ollama's generate has no tools. */
const contentsOf = (caller: string): readonly Content[] =>
  caller === 'ollamaGenerate' ? ['text', 'reasoning'] : ['text', 'reasoning', 'tools']

describe.each(pairs)('a caller of %s at an upstream of %s', (caller, dialect) => {
  const row = callers[caller]

  async function asks(bed: Bed, key: string, name: string, stream: boolean): Promise<Response> {
    return bed.post(row.path(name, stream), key, row.body(name, stream))
  }

  test.each([false, true])('hears the whole answer (stream %s), and is metered once', async stream => {
    if (caller === 'geminiArray' && !stream) return
    await using bed = await Bed.start()
    const key = bed.key()
    settle(bed, engine, 'p', dialect)
    bed.route('m', { tiers: [{ targets: [{ provider: 'p', model }] }] })
    for (const content of contentsOf(caller)) {
      engine.content = content
      const answer = await asks(bed, key, 'm', stream)
      expect(answer.status).toBe(200)
      const got = stream ? row.stream(await answer.text()) : row.reply(await answer.json())
      expect(got).toMatchObject({ ...heard[content], whole: true, error: undefined })
      expect(got.model).toBe('m')
      expect(bed.journal.last).toMatchObject({
        end: 'done',
        status: 200,
        streamed: stream,
        quantities: spent,
      })
    }
    expect(bed.journal.events).toHaveLength(contentsOf(caller).length)
  })

  test('F3: hears an error and no end after a cut at any event, and nothing is tried again', async () => {
    await using bed = await Bed.start()
    const key = bed.key()
    for (const content of contentsOf(caller)) {
      engine.content = content
      engine.seen.length = 0
      settle(bed, engine, `good-${content}`, dialect, { act: 'good' })
      bed.route(`probe-${content}`, { tiers: [{ targets: [{ provider: `good-${content}`, model }] }] })
      await (await asks(bed, key, `probe-${content}`, true)).text()
      const [probe] = engine.seen
      if (!probe) throw new Error('nothing was asked')
      const { speaker, usage } = readAsked(probe.url, probe.body)
      const { events: all, first, whole } = speaker.script(content, usage)
      for (let count = 0; count <= all.length; count++)
        for (const act of ['cut after', 'end after'] as const) {
          const name = `${content}-${act.replaceAll(' ', '-')}-${count}`
          settle(bed, engine, name, dialect, { act: `${act} ${count}` })
          bed.route(name, {
            tiers: [name, `good-${content}`].map(provider => ({ targets: [{ provider, model }] })),
          })
          engine.seen.length = 0
          const before = bed.journal.events.length
          const answer = await asks(bed, key, name, true)
          const body = await answer.text()
          const got = row.stream(body)
          const where = `${act} ${count} of ${all.length}, ${content}`
          // One end for the caller; what a first attempt had been charged before it was cut is a cost beside it.
          const told = bed.journal.events.slice(before)
          const calls = told.filter(({ id }) => id.endsWith(':call'))
          const spares = told.filter(({ id }) => id.endsWith(':spare'))
          expect([calls.length, told.length - calls.length - spares.length], where).toEqual([1, 0])
          expect(spares.length, where).toBeLessThanOrEqual(count <= first ? 1 : 0)
          for (const { data } of spares)
            expect(data, where).toMatchObject({ end: 'upstream_error', billable: 'cost' })
          expect(answer.status, where).toBe(200)
          if (count > first && count <= whole) {
            expect(got.whole, where).toBe(false)
            expect(got.error, where).toBeDefined()
            expect(engine.seen.length, where).toBe(1)
            expect(calls[0]?.data, where).toMatchObject({ end: 'upstream_error', billable: 'cost' })
          } else {
            expect(got, where).toMatchObject({ ...heard[content], whole: true, error: undefined })
            expect(engine.seen.length, where).toBe(count > whole ? 1 : 2)
            expect(calls[0]?.data, where).toMatchObject({ end: 'done', billable: 'caller' })
          }
          if (caller === 'responses') numbered(body)
        }
    }
  })

  test('hears the same from a stream of which each byte comes alone', async () => {
    await using bed = await Bed.start()
    engine.content = 'reasoning'
    settle(bed, engine, 'p', dialect, { act: 'one byte at a time' })
    bed.route('m', { tiers: [{ targets: [{ provider: 'p', model }] }] })
    const got = row.stream(await (await asks(bed, bed.key(), 'm', true)).text())
    expect(got).toMatchObject({ ...heard.reasoning, whole: true, error: undefined })
  })

  test('S3: hears each word before the upstream says the next', async () => {
    await using bed = await Bed.start()
    engine.content = 'text'
    engine.seen.length = 0
    settle(bed, engine, 'p', dialect, { act: 'one by one' })
    bed.route('m', { tiers: [{ targets: [{ provider: 'p', model }] }] })
    const asked = asks(bed, bed.key(), 'm', true)
    await expect.poll(() => engine.seen.length, { timeout: 15_000 }).toBe(1)
    const [{ url, body } = { url: '', body: Buffer.alloc(0) }] = engine.seen
    const { speaker, usage } = readAsked(url, body)
    const { events: all, first } = speaker.script('text', usage)
    engine.step(first + 1)
    const answer = await asked
    let text = ''
    let next = 0
    for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk
      // What is held back would be held back for ever: the upstream says no more until this word is here.
      while (next < words.length && text.includes(words[next] ?? ''))
        engine.step(++next < words.length ? 1 : all.length)
    }
    expect(row.stream(text)).toMatchObject({ ...heard.text, whole: true })
  })

  if (alike(caller, dialect))
    test('B3: gets the bytes of the upstream but for the name of the model', async () => {
      await using bed = await Bed.start()
      engine.content = 'tools'
      settle(bed, engine, 'p', dialect)
      bed.route('m', { exposeModel: 'upstream', tiers: [{ targets: [{ provider: 'p', model }] }] })
      engine.seen.length = 0
      const streamed = await (await asks(bed, bed.key(), 'm', true)).text()
      const [{ url, body } = { url: '', body: Buffer.alloc(0) }] = engine.seen
      const { speaker } = readAsked(url, body)
      if (caller === 'geminiArray') {
        const sent = speaker.script('tools', false).events.flatMap(events)
        expect(JSON.parse(streamed)).toEqual(sent)
      } else expect(streamed).toBe(speaker.script('tools', false).events.join(''))
      if (caller === 'geminiArray') return
      const plain = await asks(bed, bed.key(), 'm', false)
      expect(await plain.text()).toBe(speaker.reply('tools'))
    })
})

/** S8: numbers without gaps, and whole numbers where the dialect has them. */
function numbered(body: string): void {
  const all = events(body)
  expect(all.map(one => at(one, 'sequence_number'))).toEqual(all.map((_, i) => i))
  const last = at(all.at(-1), 'response')
  expect(Number.isInteger(at(last, 'created_at'))).toBe(true)
  // An upstream that was cut after its finish reason may have told no usage: then there is none to tell.
  if (at(last, 'status') !== 'completed' || at(last, 'usage') === null) return
  for (const path of [
    ['input_tokens'],
    ['input_tokens_details', 'cached_tokens'],
    ['output_tokens'],
    ['output_tokens_details', 'reasoning_tokens'],
    ['total_tokens'],
  ])
    expect(Number.isInteger(at(last, 'usage', ...path)), path.join('.')).toBe(true)
}
