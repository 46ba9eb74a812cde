// Stored responses through the port, with OpenAI's own client and a real database.
import { randomBytes } from 'node:crypto'
import { Fault } from '@switchyard/kinds'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Bed, document } from './bed.ts'
import { settle } from './fleet.ts'
import { behind, KeepingUpstream } from './stored.bed.ts'
import { model, said } from './upstream/speaker.ts'
import { ScriptedUpstream } from './upstream.ts'

let database: TestDatabase
let bed: Bed
/** It has no Responses: whoever asks for those is converted. */
let engine: ScriptedUpstream
let theirs: KeepingUpstream
let away = false

beforeAll(async () => {
  database = await testDatabase()
  const operator = { role: 'caller', principal: 'system:operator', scopes: ['*'] } as const
  for (const name of ['default', 'other'])
    await database.store.write(operator, tx => tx.insert(document('Workspace', null, name, {}), []))
})
afterAll(() => database.close())

const masterKey = randomBytes(32)
beforeEach(async () => {
  away = false
  const store = behind(database.openResponses([masterKey]), () => {
    if (away) throw new Fault('unavailable', 'The store is away.', { reason: 'store_away' })
  })
  bed = await Bed.start({}, {}, { responses: store })
  engine = await ScriptedUpstream.start()
  theirs = await KeepingUpstream.start()
  lead(bed)
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
  await theirs[Symbol.asyncDispose]()
})

/** `m` is converted and keeps, `forgetful` is converted and does not; `gpt` leads to who keeps by itself. */
function lead(to: Bed): void {
  settle(to, engine, 'p', 'openai')
  to.provider('theirs', { type: 'openai', baseUrl: theirs.url })
  const tiers = (provider: string) => [{ targets: [{ provider, model }] }]
  to.route('m', { storeResponses: true, tiers: tiers('p') })
  to.route('forgetful', { tiers: tiers('p') })
  to.route('gpt', { tiers: tiers('theirs') })
}

const client = (key = bed.key(), to = bed) =>
  new OpenAI({ apiKey: key, baseURL: `${to.url}/v1`, maxRetries: 0 }).responses

/** Messages that the engine was asked last. */
function messages(): unknown {
  const asked = JSON.parse(String(engine.seen.at(-1)?.body)) as { messages: unknown } // a request of ours
  return asked.messages
}

async function last(events: AsyncIterable<OpenAI.Responses.ResponseStreamEvent>) {
  let ended: OpenAI.Responses.Response | undefined
  for await (const event of events) if (event.type === 'response.completed') ended = event.response
  if (!ended) throw new Error('the stream has no end')
  return ended
}

const notFound = { status: 404, code: 'response_not_found' }

describe('a response of a converted route', () => {
  test('is gone on from, with the whole conversation sent upstream', async () => {
    const responses = client()
    const first = await responses.create({ model: 'm', input: 'one', instructions: 'Be brief.' })
    expect(first).toMatchObject({ store: true, previous_response_id: null, output_text: said })
    const second = await responses.create({ model: 'm', input: 'two', previous_response_id: first.id })
    expect(second).toMatchObject({ store: true, previous_response_id: first.id })
    // Instructions are not carried over.
    expect(messages()).toMatchObject([
      { role: 'user', content: 'one' },
      { role: 'assistant', content: said },
      { role: 'user', content: 'two' },
    ])
    const ended = await last(
      await responses.create({ model: 'm', input: 'three', previous_response_id: second.id, stream: true }),
    )
    expect(ended).toMatchObject({ store: true, previous_response_id: second.id })
    expect(messages()).toHaveLength(5)
    // What a stream has ended with is kept by then.
    await responses.create({ model: 'm', input: 'four', previous_response_id: ended.id })
    expect(messages()).toHaveLength(7)
  })

  test('goes on from the result of a tool', async () => {
    engine.content = 'tools'
    const responses = client()
    const tools = [
      { type: 'function' as const, name: 'weather', parameters: { type: 'object' }, strict: false },
    ]
    const first = await responses.create({ model: 'm', input: 'one', tools })
    const [call] = first.output
    if (call?.type !== 'function_call') throw new Error('no call')
    await responses.create({
      model: 'm',
      tools,
      input: [{ type: 'function_call_output', call_id: call.call_id, output: 'sunny' }],
      previous_response_id: first.id,
    })
    expect(messages()).toMatchObject([
      { role: 'user', content: 'one' },
      { role: 'assistant', tool_calls: [{ id: call.call_id }] },
      { role: 'tool', tool_call_id: call.call_id, content: 'sunny' },
    ])
  })

  test('is read, listed and deleted, and then is not found', async () => {
    const responses = client()
    const first = await responses.create({ model: 'm', input: 'one' })
    const second = await responses.create({ model: 'm', input: 'two', previous_response_id: first.id })
    const read = await responses.retrieve(second.id)
    expect(read).toMatchObject({ id: second.id, model: 'm', output_text: said, usage: second.usage })
    const items = []
    for await (const item of responses.inputItems.list(second.id, { order: 'asc', limit: 1 }))
      items.push(item)
    expect(items).toMatchObject([
      { role: 'user', content: [{ type: 'input_text', text: 'one' }] },
      { role: 'assistant', content: [{ type: 'output_text', text: said }] },
      { role: 'user', content: [{ type: 'input_text', text: 'two' }] },
    ])
    const { data } = await responses.inputItems.list(second.id)
    expect(data.map(({ id }) => id)).toEqual(items.map(({ id }) => id).toReversed())
    await expect(responses.inputItems.list(second.id, { after: 'msg_none' })).rejects.toMatchObject({
      status: 400,
      param: 'after',
    })
    await expect(responses.cancel(second.id)).rejects.toMatchObject({ status: 400 })
    await responses.delete(second.id)
    for (const gone of [
      () => responses.retrieve(second.id),
      () => responses.inputItems.list(second.id),
      () => responses.cancel(second.id),
      () => responses.delete(second.id),
    ])
      await expect(gone()).rejects.toMatchObject({ ...notFound, param: 'response_id' })
    await expect(
      responses.create({ model: 'm', input: 'x', previous_response_id: second.id }),
    ).rejects.toMatchObject({ ...notFound, param: 'previous_response_id' })
    // The one before it stands.
    await responses.create({ model: 'm', input: 'x', previous_response_id: first.id })
  })

  test('is metered once for each request, with nothing for what is read', async () => {
    const responses = client()
    const { id } = await responses.create({ model: 'm', input: 'one' })
    await responses.create({ model: 'm', input: 'two', previous_response_id: id })
    await responses.retrieve(id)
    await responses.delete(id)
    expect(bed.journal.events).toHaveLength(2)
  })

  test('is not kept with store: false, and not where its route keeps none', async () => {
    const responses = client()
    for (const ask of [
      { model: 'm', input: 'one', store: false },
      { model: 'forgetful', input: 'one' },
    ]) {
      const { id, store } = (await responses.create(ask)) as { id: string; store?: boolean } // not in the client's type
      expect(store).toBe(false)
      await expect(responses.retrieve(id)).rejects.toMatchObject(notFound)
      await expect(
        responses.create({ model: 'm', input: 'two', previous_response_id: id }),
      ).rejects.toMatchObject(notFound)
    }
    const asked = engine.seen.length
    const { id } = await responses.create({ model: 'm', input: 'one' })
    await expect(
      responses.create({ model: 'forgetful', input: 'two', previous_response_id: id }),
    ).rejects.toMatchObject({ status: 400, param: 'previous_response_id' })
    expect(engine.seen).toHaveLength(asked + 1)
  })

  test('is gone when its time is over', async () => {
    await using brief = await Bed.start(
      {},
      {},
      { responses: database.openResponses([masterKey], { seconds: 0.001 }) },
    )
    lead(brief)
    const responses = client(brief.key(), brief)
    const { id } = await responses.create({ model: 'm', input: 'one' })
    await expect(responses.retrieve(id)).rejects.toMatchObject(notFound)
    await expect(
      responses.create({ model: 'm', input: 'two', previous_response_id: id }),
    ).rejects.toMatchObject(notFound)
  })

  test('is in no log, no record and no metric', async () => {
    const { id } = await client().create({ model: 'm', input: 'the word is swordfish' })
    await client().create({ model: 'm', input: 'two', previous_response_id: id })
    expect(bed.told).not.toContain('swordfish')
  })
})

describe('a response of an upstream that keeps its own', () => {
  test('is gone on from, streamed too, by the bytes that the caller sent', async () => {
    const responses = client()
    const first = await responses.create({ model: 'gpt', input: 'one' })
    const second = await last(
      await responses.create({ model: 'gpt', input: 'two', previous_response_id: first.id, stream: true }),
    )
    await responses.create({ model: 'gpt', input: 'three', previous_response_id: second.id })
    expect(theirs.asked.at(-1)?.body).toEqual({ model, input: 'three', previous_response_id: second.id })
  })

  test('is read, listed, cancelled and deleted there', async () => {
    const responses = client()
    const { id } = await responses.create({ model: 'gpt', input: 'one' })
    expect(await responses.retrieve(id)).toMatchObject({ id, model: 'gpt', output_text: 'theirs' })
    expect((await responses.inputItems.list(id, { limit: 5 })).data).toEqual([{ id: 'msg_theirs' }])
    expect(theirs.asked.at(-1)?.url).toBe(`/v1/responses/${id}/input_items?limit=5`)
    expect(await responses.cancel(id)).toMatchObject({ id, model: 'gpt' })
    await responses.delete(id)
    expect(theirs.kept.has(id)).toBe(false)
    const asked = theirs.asked.length
    await expect(responses.retrieve(id)).rejects.toMatchObject(notFound)
    expect(theirs.asked).toHaveLength(asked)
  })

  test('that was lost there is not found, in words of ours', async () => {
    const responses = client()
    const { id } = await responses.create({ model: 'gpt', input: 'one' })
    theirs.kept.clear()
    await expect(responses.retrieve(id)).rejects.toMatchObject(notFound)
    await expect(responses.retrieve(id)).rejects.not.toThrow(/org-secret/)
  })

  test('is gone on from only where its maker is asked', async () => {
    const responses = client()
    const { id } = await responses.create({ model: 'gpt', input: 'one' })
    await expect(
      responses.create({ model: 'm', input: 'two', previous_response_id: id }),
    ).rejects.toMatchObject({ status: 400, param: 'previous_response_id' })
    const tiers = [{ targets: [{ provider: 'p', model }] }, { targets: [{ provider: 'theirs', model }] }]
    bed.route('both', { storeResponses: true, tiers })
    const asked = engine.seen.length
    await responses.create({ model: 'both', input: 'two', previous_response_id: id })
    expect(engine.seen).toHaveLength(asked)
    expect(theirs.asked.at(-1)?.body.previous_response_id).toBe(id)
  })

  test('that is not known here is not asked for there', async () => {
    theirs.kept.set('resp_somebodys', {})
    const responses = client()
    const asked = theirs.asked.length
    for (const call of [
      () => responses.create({ model: 'gpt', input: 'x', previous_response_id: 'resp_somebodys' }),
      () => responses.retrieve('resp_somebodys'),
      () => responses.delete('resp_somebodys'),
    ])
      await expect(call()).rejects.toMatchObject(notFound)
    expect(theirs.asked).toHaveLength(asked)
  })
})

describe('a guarded conversation', () => {
  /** A rule of both routes; the one of this name that stood before is gone. */
  function guard(spec: object): void {
    const rule = {
      stage: 'both',
      action: 'redact',
      onFailure: 'closed',
      share: 'all',
      kind: 'keyword',
      ...spec,
    }
    bed.together(() => {
      if (bed.documents.some(({ kind }) => kind === 'Guardrail')) bed.remove('Guardrail', 'rule')
      bed.add(document('Guardrail', 'default', 'rule', rule))
      for (const name of ['m', 'gpt']) bed.change('Route', name, { spec: { guardrails: ['rule'] } })
    })
  }
  const word = 'swordfish'
  const input = [
    { role: 'user' as const, content: 'Hello!' },
    { role: 'user' as const, content: [{ type: 'input_text' as const, text: `the word is ${word}` }] },
  ]
  const redacted = '[REDACTED:keyword]'
  const contents = () => (messages() as readonly { content: string }[]).map(({ content }) => content)

  test('is kept without what a rule took out of what was asked: nobody of the project reads it', async () => {
    guard({ words: [word], stage: 'request' })
    const responses = client()
    const first = await responses.create({ model: 'm', input })
    const asked = { model: 'm', input: `again: ${word}`, previous_response_id: first.id }
    const second = await last(await responses.create({ ...asked, stream: true }))
    const spoken = ['Hello!', `the word is ${redacted}`, said, `again: ${redacted}`]
    expect(contents()).toEqual(spoken)
    const third = await responses.create({ model: 'm', input: 'three', previous_response_id: second.id })
    expect(contents()).toEqual([...spoken, said, 'three'])
    for (const id of [first.id, second.id, third.id]) {
      const { data } = await client(bed.key()).inputItems.list(id, { order: 'asc' })
      const told = JSON.stringify([data, await responses.retrieve(id)])
      expect(told).not.toContain(word)
      expect(told).toContain(redacted)
      // What no rule has touched is told as it was sent.
      expect(data[0]).toMatchObject({ role: 'user', content: [{ type: 'input_text', text: 'Hello!' }] })
    }
  })

  test('is kept without what a rule took out of arguments and results of tools', async () => {
    guard({ words: [word], stage: 'request' })
    const responses = client()
    const call = { call_id: 'call_1', name: 'weather' }
    const { id } = await responses.create({
      model: 'm',
      input: [
        { role: 'user', content: 'one' },
        { type: 'function_call', ...call, arguments: `{"city":"${word}","n":12345678901234567890}` },
        { type: 'function_call_output', call_id: call.call_id, output: `rain in ${word}` },
      ],
    })
    const { data } = await responses.inputItems.list(id, { order: 'asc' })
    expect(data).toMatchObject([
      { role: 'user' },
      { ...call, arguments: `{"city":"${redacted}","n":12345678901234567890}` },
      { call_id: call.call_id, output: `rain in ${redacted}` },
    ])
  })

  test('is shown, and gone on from, without what a rule took out of an answer', async () => {
    guard({ words: ['two'], stage: 'response' })
    const responses = client()
    const first = await responses.create({ model: 'm', input: 'hi' })
    const asked = { model: 'm', input: 'hi', previous_response_id: first.id }
    const second = await last(await responses.create({ ...asked, stream: true }))
    for (const { id } of [first, second])
      expect((await responses.retrieve(id)).output_text).toBe(`one ${redacted} three`)
    await responses.create({ model: 'm', input: 'hi', previous_response_id: second.id })
    expect(contents()).toEqual(['hi', `one ${redacted} three`, 'hi', `one ${redacted} three`, 'hi'])
  })

  test('holds nothing of an answer that was blocked but what its caller has heard', async () => {
    guard({ words: ['three'], stage: 'response', action: 'block' })
    engine.will('one by one')
    engine.step(3)
    const responses = client()
    let id = ''
    for await (const event of await responses.create({ model: 'm', input: 'hi', stream: true }))
      if (event.type === 'response.output_text.delta') engine.step(10)
      else if (event.type === 'response.incomplete') ({ id } = event.response)
    const kept = await responses.retrieve(id)
    expect(kept).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'content_filter' },
      output_text: expect.stringMatching(/^one/) as unknown,
    })
    expect(JSON.stringify(kept)).not.toContain('three')
    guard({ words: ['nothing'], stage: 'response' })
    await responses.create({ model: 'm', input: 'go on', previous_response_id: id })
    expect(contents()).toEqual(['hi', kept.output_text, 'go on'])
  })

  test('is looked at from its beginning: a rule that came later refuses what was said before it', async () => {
    const responses = client()
    const { id } = await responses.create({ model: 'm', input })
    guard({ words: [word], action: 'block' })
    const asked = engine.seen.length
    await expect(
      responses.create({ model: 'm', input: 'two', previous_response_id: id }),
    ).rejects.toMatchObject({ status: 400, code: 'content_filter' })
    expect(engine.seen).toHaveLength(asked)
  })

  test.each(['request', 'response'])(
    'that an upstream keeps is not gone on from under a rule of a %s',
    async stage => {
      const responses = client()
      const { id } = await responses.create({ model: 'gpt', input: 'one' })
      guard({ words: [word, 'theirs'], stage })
      const under = await responses.create({ model: 'gpt', input: `one ${word}` })
      await expect(responses.retrieve(under.id)).rejects.toMatchObject(notFound)
      const asked = theirs.asked.length
      await expect(
        responses.create({ model: 'gpt', input: 'two', previous_response_id: id }),
      ).rejects.toMatchObject({
        status: 400,
        param: 'previous_response_id',
        message: /guardrails cannot look/,
      })
      expect(theirs.asked).toHaveLength(asked)
      expect(JSON.stringify(theirs.asked)).not.toContain(stage === 'request' ? word : 'nothing')
    },
  )

  test('of a route that keeps it goes on at an upstream that would keep it too, and is kept here alone', async () => {
    bed.change('Route', 'gpt', { spec: { storeResponses: true } })
    guard({ words: [word], stage: 'request' })
    const responses = client()
    const { id } = await responses.create({ model: 'gpt', input: `one ${word}` })
    await responses.create({ model: 'gpt', input: 'two', previous_response_id: id })
    expect(theirs.kept.size).toBe(0)
    const sent = theirs.asked.at(-1)?.body
    expect(sent).toMatchObject({
      store: false,
      input: [{ content: `one ${redacted}` }, {}, { content: 'two' }],
    })
    expect(sent).not.toHaveProperty('previous_response_id')
  })
})

describe('walls', () => {
  test.each(['m', 'gpt'])('a response of %s is of its workspace and its project alone', async name => {
    const other = 'other'
    bed.workspace(other)
    for (const project of ['one', 'two'])
      bed.add(document('Project', 'default', project, { archived: false }))
    bed.add(document('Project', other, 'one', { archived: false }))
    settleOther()
    const owner = client(bed.key({ project: 'one' }))
    const { id } = await owner.create({ model: name, input: 'one' })
    const asked = theirs.asked.length + engine.seen.length
    for (const key of [
      bed.key(),
      bed.key({ project: 'two' }),
      bed.key({ workspace: other }),
      bed.key({ workspace: other, project: 'one' }),
    ]) {
      const stranger = client(key)
      for (const call of [
        () => stranger.retrieve(id),
        () => stranger.inputItems.list(id),
        () => stranger.cancel(id),
        () => stranger.delete(id),
        () => stranger.create({ model: name, input: 'x', previous_response_id: id }),
      ])
        await expect(call()).rejects.toMatchObject(notFound)
    }
    expect(theirs.asked.length + engine.seen.length).toBe(asked)
    // Another key of the same project is at home.
    expect(await client(bed.key({ project: 'one' })).retrieve(id)).toMatchObject({ id })

    function settleOther(): void {
      const place = { workspace: other }
      bed.provider('p', { type: 'deepseek', baseUrl: engine.url(undefined, '/v1') }, place)
      bed.provider('theirs', { type: 'openai', baseUrl: theirs.url }, place)
      bed.route('m', { storeResponses: true, tiers: [{ targets: [{ provider: 'p', model }] }] }, place)
      bed.route('gpt', { tiers: [{ targets: [{ provider: 'theirs', model }] }] }, place)
    }
  })

  test('a key that may not call the model sees none of its responses', async () => {
    const { id } = await client().create({ model: 'm', input: 'one' })
    const narrow = client(bed.key({ spec: { models: ['gpt'] } }))
    await expect(narrow.retrieve(id)).rejects.toMatchObject(notFound)
    await expect(narrow.create({ model: 'gpt', input: 'x', previous_response_id: id })).rejects.toMatchObject(
      notFound,
    )
  })

  test('a stranger without a key learns nothing', async () => {
    const { id } = await client().create({ model: 'm', input: 'one' })
    expect((await fetch(`${bed.url}/v1/responses/${id}`)).status).toBe(401)
  })
})

describe('while the store is away', () => {
  test('what needs no memory is answered, and kept once the store is back', async () => {
    const responses = client()
    setTimeout(() => {
      away = false
    }, 300)
    away = true
    const { id } = await responses.create({ model: 'm', input: 'one' })
    expect(await responses.retrieve(id)).toMatchObject({ id })
  })

  test('the answer leaves after a while; what goes on from one is told to come back', async () => {
    const responses = client()
    const { id } = await responses.create({ model: 'm', input: 'one' })
    away = true
    await expect(responses.retrieve(id)).rejects.toMatchObject({ status: 503 })
    await expect(
      responses.create({ model: 'm', input: 'two', previous_response_id: id }),
    ).rejects.toMatchObject({ status: 503 })
    const late = await responses.create({ model: 'm', input: 'three' })
    expect(late.output_text).toBe(said)
    away = false
    await expect
      .poll(
        () =>
          responses.retrieve(late.id).then(
            ({ id: found }) => found,
            () => '',
          ),
        { timeout: 10_000 },
      )
      .toBe(late.id)
  })
})

test('a gateway that keeps nothing takes no previous_response_id, even to who would know it', async () => {
  await using plain = await Bed.start()
  lead(plain)
  const responses = client(plain.key(), plain)
  const { id } = await responses.create({ model: 'gpt', input: 'one' })
  for (const name of ['gpt', 'm', 'forgetful'])
    await expect(
      responses.create({ model: name, input: 'two', previous_response_id: id }),
    ).rejects.toMatchObject({ status: 400, code: 'unsupported_parameter', param: 'previous_response_id' })
  await expect(responses.retrieve(id)).rejects.toMatchObject(notFound)
})

test('what is not a response’s id, or is made in the background, is refused with what to do', async () => {
  const responses = client()
  await expect(responses.create({ model: 'm', input: 'x', background: true })).rejects.toMatchObject({
    status: 400,
    param: 'background',
  })
  await expect(responses.create({ model: 'm', input: 'x', previous_response_id: '' })).rejects.toMatchObject({
    status: 400,
    param: 'previous_response_id',
  })
  for (const [path, method] of [
    ['/v1/responses/resp_1', 'POST'],
    ['/v1/responses/resp_1/cancel', 'GET'],
    ['/v1/responses/resp_1/input_items', 'DELETE'],
  ] as const) {
    const headers = { authorization: `Bearer ${bed.key()}` }
    expect((await fetch(bed.url + path, { method, headers })).status).toBe(405)
  }
})
