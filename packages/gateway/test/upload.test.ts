import { once } from 'node:events'
import OpenAI, { toFile } from 'openai'
import { expect, test, vi } from 'vitest'
import { Bed, document } from './bed.ts'
import { answering, codeOf, formOf, formType, MediaUpstream, sending, whole } from './upload.bed.ts'

const usage = {
  type: 'tokens',
  input_tokens: 14,
  output_tokens: 2,
  total_tokens: 16,
  input_token_details: { audio_tokens: 10, text_tokens: 4 },
}
const transcript = JSON.stringify({ text: 'hello', usage })
const sound = Buffer.from(Uint8Array.from({ length: 5000 }, (_, at) => at % 251))

async function rig(...acts: Parameters<typeof MediaUpstream.start>) {
  const stack = new AsyncDisposableStack()
  const upstream = stack.use(await MediaUpstream.start(...acts))
  const bed = stack.use(await Bed.start())
  bed.provider('far', {
    type: 'openai-compatible',
    baseUrl: `http://${upstream.address}/v1`,
    models: [{ name: 'tiny', upstream: 'served-name' }],
  })
  bed.route('tiny', { tiers: [{ targets: [{ provider: 'far', model: 'tiny' }] }] })
  const key = bed.key()
  const client = new OpenAI({ apiKey: key, baseURL: `${bed.url}/v1`, maxRetries: 0 })
  return {
    upstream,
    bed,
    key,
    client,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const post = (url: string, key: string, body: Buffer, headers = {}) =>
  fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': formType, ...headers },
    body: Uint8Array.from(body),
  })

test("A11: the official client's transcription passes: the file untouched, the model renamed, the usage metered", async () => {
  await using at = await rig(answering('application/json', transcript))
  const file = await toFile(sound, 'a.wav')
  const told = await at.client.audio.transcriptions.create({ model: 'tiny', file, language: 'en' })
  expect(told.text).toBe('hello')
  const { body, url, headers } = at.upstream.last
  expect(url).toBe('/v1/audio/transcriptions')
  expect(headers['content-length']).toBe(String(body.length))
  expect(headers.authorization).toBeUndefined()
  expect(body.includes(sound)).toBe(true)
  expect(body.toString('latin1')).toMatch(/name="model"\r\n\r\nserved-name\r\n/)
  expect(at.bed.journal.last).toMatchObject({
    operation: 'audio.transcriptions',
    end: 'done',
    model: 'tiny',
    quantities: { 'tok.in.audio': '10', 'tok.in.uncached': '4', 'tok.out.text': '2' },
  })
})

test('a form reaches the upstream byte for byte but for the model, chunked or with its length', async () => {
  await using at = await rig(answering('application/json', transcript))
  const parts = (name: string) => [
    { name: 'file', value: Buffer.concat([sound, Buffer.from('\r\n--x\r\n')]) },
    { name: 'model', value: name },
    { name: 'prompt', value: 'ü\r\n\r\n' },
  ]
  const url = `${at.bed.url}/v1/audio/translations`
  expect((await post(url, at.key, formOf(...parts('tiny')))).status).toBe(200)
  expect(at.upstream.last.body.equals(formOf(...parts('served-name')))).toBe(true)
  const chunked = sending(url, at.key, { 'content-type': formType, 'transfer-encoding': 'chunked' })
  for (const byte of formOf(...parts('tiny'))) chunked.outgoing.write(Buffer.of(byte))
  chunked.outgoing.end()
  expect((await chunked.answer).status).toBe(200)
  expect(at.upstream.last.headers['transfer-encoding']).toBe('chunked')
  expect(at.upstream.last.body.equals(formOf(...parts('served-name')))).toBe(true)
})

test('a large file is never held whole: it waits with the caller while the upstream does not read', async () => {
  const { promise: go, resolve: read } = Promise.withResolvers<void>()
  await using at = await rig(async (incoming, response, taken) => {
    await go
    await whole(incoming, taken)
    response.writeHead(200, { 'content-type': 'application/json' }).end(transcript)
  })
  const { outgoing, answer } = sending(`${at.bed.url}/v1/audio/transcriptions`, at.key, {
    'content-type': formType,
  })
  const form = formOf(
    { name: 'model', value: 'tiny' },
    { name: 'file', value: Buffer.alloc(64 * 1024 * 1024, 'a') },
  )
  let given = 0
  const piece = 256 * 1024
  while (given < form.length) {
    const more = outgoing.write(form.subarray(given, given + piece))
    given += piece
    if (more) continue
    const drained = await Promise.race([
      once(outgoing, 'drain'),
      new Promise(resolve => setTimeout(resolve, 300)),
    ])
    if (!drained) break
  }
  // What has left the caller stands in sockets and in what the gateway may hold, not in a buffer of 64 MiB.
  expect(given).toBeLessThan(24 * 1024 * 1024)
  read()
  outgoing.end(form.subarray(given))
  expect((await answer).status).toBe(200)
  expect(at.upstream.last.body.length).toBe(form.length + 'served-name'.length - 'tiny'.length)
})

test('a small form is sent once more where an upstream fails; a large one is not', async () => {
  const fail = answering('application/json', '{}', 503)
  await using at = await rig(fail, answering('application/json', transcript), fail)
  at.bed.provider('other', {
    type: 'openai-compatible',
    baseUrl: `http://${at.upstream.address}/v1`,
    models: [{ name: 'tiny', upstream: 'served-name' }],
  })
  at.bed.route('two', {
    tiers: [{ targets: ['far', 'other'].map(provider => ({ provider, model: 'tiny' })) }],
  })
  const url = `${at.bed.url}/v1/audio/transcriptions`
  const small = await post(
    url,
    at.key,
    formOf({ name: 'model', value: 'two' }, { name: 'file', value: sound }),
  )
  expect([small.status, small.headers.get('x-switchyard-attempts')]).toEqual([200, '2'])
  expect(at.upstream.last.body.includes(sound)).toBe(true)
  const large = formOf({ name: 'model', value: 'two' }, { name: 'file', value: Buffer.alloc(3 << 20, 'a') })
  const failed = await post(url, at.key, large)
  expect([failed.status, failed.headers.get('x-switchyard-attempts')]).toEqual([503, '1'])
})

test.each([
  ['no model', formOf({ name: 'file', value: 'x' }), 400, 'missing_field'],
  [
    'two models',
    formOf({ name: 'model', value: 'tiny' }, { name: 'model', value: 'tiny' }),
    400,
    'duplicate_member',
  ],
  ['an unknown model', formOf({ name: 'model', value: 'none' }), 404, 'model_not_found'],
  [
    'a model behind a large file',
    formOf({ name: 'file', value: Buffer.alloc(2 << 20) }, { name: 'model', value: 'tiny' }),
    400,
    'missing_field',
  ],
  ['what is no form', Buffer.from('model=tiny'), 400, 'invalid_value'],
])('a form with %s is refused and nothing reaches an upstream', async (_, body, status, code) => {
  await using at = await rig(answering('application/json', transcript))
  const { outgoing, answer } = sending(`${at.bed.url}/v1/images/edits`, at.key, { 'content-type': formType })
  outgoing.end(body)
  const told = await answer
  expect([told.status, codeOf(told.body)]).toEqual([status, code])
  expect(at.upstream.taken.filter(({ ended }) => ended)).toEqual([])
})

test('a second model that comes while the first is already on its way ends the request, and the upstream has no whole form', async () => {
  await using at = await rig(answering('application/json', transcript))
  const { outgoing, answer } = sending(`${at.bed.url}/v1/audio/transcriptions`, at.key, {
    'content-type': formType,
  })
  const open = formOf({ name: 'model', value: 'tiny' }, { name: 'file', value: 'abc' })
  const before = open.subarray(0, open.lastIndexOf('\r\n--'))
  const after = formOf({ name: 'model', value: 'other' })
  outgoing.write(before)
  await vi.waitUntil(() => at.upstream.taken.length > 0)
  outgoing.end(Buffer.concat([Buffer.from('\r\n'), after]))
  const told = await answer
  expect([told.status, codeOf(told.body)]).toEqual([400, 'duplicate_member'])
  expect(at.upstream.last.ended).toBe(false)
  expect(at.bed.journal.last).toMatchObject({ end: 'refused', status: 400 })
})

test('a form above the limit is refused: one that says so before a byte is read, a chunked one at the byte that exceeds', async () => {
  await using upstream = await MediaUpstream.start(answering('application/json', transcript))
  await using bed = await Bed.start({ formBytes: 100_000 })
  bed.endpoint('tiny', [upstream.address])
  const url = `${bed.url}/v1/audio/transcriptions`
  const key = bed.key()
  const declared = sending(url, key, {
    'content-type': formType,
    'content-length': '100001',
    expect: '100-continue',
  })
  declared.outgoing.flushHeaders()
  expect((await declared.answer).status).toBe(413)
  const chunked = sending(url, key, { 'content-type': formType })
  const form = formOf({ name: 'model', value: 'tiny' }, { name: 'file', value: Buffer.alloc(200_000) })
  chunked.outgoing.write(form.subarray(0, 99_000))
  await vi.waitUntil(() => upstream.taken.length > 0)
  chunked.outgoing.write(form.subarray(99_000))
  expect((await chunked.answer).status).toBe(413)
  expect(upstream.last.ended).toBe(false)
})

test('a caller that leaves in the middle of its file ends the request at the upstream', async () => {
  await using at = await rig(answering('application/json', transcript))
  const { outgoing } = sending(`${at.bed.url}/v1/audio/transcriptions`, at.key, { 'content-type': formType })
  outgoing.write(formOf({ name: 'model', value: 'tiny' }, { name: 'file', value: sound }).subarray(0, -50))
  await vi.waitUntil(() => (at.upstream.taken[0]?.bytes ?? 0) > 0)
  outgoing.destroy()
  await vi.waitUntil(() => at.bed.journal.events.length > 0)
  expect(at.bed.journal.last).toMatchObject({ end: 'client_gone', status: 499 })
  expect(at.bed.gateway.inflight).toBe(0)
})

test('a caller that falls silent in the middle of its file is told so', async () => {
  await using upstream = await MediaUpstream.start(answering('application/json', transcript))
  await using bed = await Bed.start({ bodyGap: 300 })
  bed.endpoint('tiny', [upstream.address])
  const { outgoing, answer } = sending(`${bed.url}/v1/audio/transcriptions`, bed.key(), {
    'content-type': formType,
  })
  outgoing.write(formOf({ name: 'model', value: 'tiny' }, { name: 'file', value: sound }).subarray(0, -50))
  expect((await answer).status).toBe(408)
})

test("Azure's path names the model: a form without one is given the served name, one that has it another value", async () => {
  await using at = await rig(answering('application/json', transcript))
  const url = `${at.bed.url}/openai/deployments/tiny/audio/transcriptions?api-version=1`
  expect((await post(url, at.key, formOf({ name: 'file', value: sound }))).status).toBe(200)
  const added = formOf({ name: 'file', value: sound }, { name: 'model', value: 'served-name' })
  expect(at.upstream.last.body.equals(added)).toBe(true)
  const own = (name: string) => formOf({ name: 'model', value: name }, { name: 'file', value: sound })
  expect((await post(url, at.key, own('anything'))).status).toBe(200)
  expect(at.upstream.last.body.equals(own('served-name'))).toBe(true)
})

test('a transcription in events streams, and its usage is read on the way', async () => {
  const events = [
    'data: {"type":"transcript.text.delta","delta":"hel"}\n\n',
    `data: ${JSON.stringify({ type: 'transcript.text.done', text: 'hello', usage })}\n\n`,
  ]
  await using at = await rig(answering('text/event-stream', events.join('')))
  const file = await toFile(sound, 'a.wav')
  const stream = await at.client.audio.transcriptions.create({ model: 'tiny', file, stream: true })
  const types: string[] = []
  for await (const { type } of stream) types.push(type)
  expect(types).toEqual(['transcript.text.delta', 'transcript.text.done'])
  await vi.waitUntil(() => at.bed.journal.events.length > 0)
  expect(at.bed.journal.last.quantities).toMatchObject({ 'tok.in.audio': '10', 'tok.out.text': '2' })
})

test("the official client's image edit passes, and its images are metered", async () => {
  const reply = JSON.stringify({
    data: [{ b64_json: 'AAAA' }],
    usage: { input_tokens: 9, output_tokens: 100 },
  })
  await using at = await rig(answering('application/json', reply))
  const image = await toFile(sound, 'a.png', { type: 'image/png' })
  const made = await at.client.images.edit({ model: 'tiny', image, prompt: 'a cat' })
  expect(made.data?.[0]?.b64_json).toBe('AAAA')
  expect(at.bed.journal.last).toMatchObject({
    operation: 'images.edits',
    quantities: { 'tok.out.image': '100' },
  })
})

test('A11: speech passes as the bytes that it is, as they come', async () => {
  const { promise: go, resolve: finish } = Promise.withResolvers<void>()
  await using at = await rig(async (incoming, response, taken) => {
    await whole(incoming, taken)
    response.writeHead(200, { 'content-type': 'audio/mpeg' }).write(sound.subarray(0, 1000))
    await go
    response.end(sound.subarray(1000))
  })
  const told = await at.client.audio.speech.create({ model: 'tiny', voice: 'alloy', input: 'hi' })
  expect(told.headers.get('content-type')).toBe('audio/mpeg')
  finish()
  expect(Buffer.from(await told.arrayBuffer()).equals(sound)).toBe(true)
  expect(JSON.parse(at.upstream.last.body.toString())).toMatchObject({ model: 'served-name', input: 'hi' })
  await vi.waitUntil(() => at.bed.journal.events.length > 0)
  expect(at.bed.journal.last).toMatchObject({ operation: 'audio.speech', end: 'done', status: 200 })
})

test('speech that is cut is reset, and never looks whole', async () => {
  await using at = await rig(async (incoming, response, taken) => {
    await whole(incoming, taken)
    response.writeHead(200, { 'content-type': 'audio/mpeg' })
    response.write(sound, () => response.destroy())
  })
  const told = await at.client.audio.speech.create({ model: 'tiny', voice: 'alloy', input: 'hi' })
  await expect(told.arrayBuffer()).rejects.toThrow()
  await vi.waitUntil(() => at.bed.journal.events.length > 0)
  expect(at.bed.journal.last).toMatchObject({ end: 'upstream_error', billable: 'cost' })
})

test.each([
  ['a page', answering('text/html', '<html>secret 10.0.0.1</html>'), 502],
  ['nothing', answering('audio/mpeg', ''), 502],
  ['an error as its reply', answering('application/json', '{"error":{"message":"secret","code":503}}'), 503],
  ['a refusal of the input', answering('application/json', '{"error":{"message":"too long"}}', 400), 400],
])('speech answered with %s is an honest status', async (_, act, status) => {
  await using at = await rig(act)
  const told = await at.bed.post('/v1/audio/speech', at.key, { model: 'tiny', input: 'hi', voice: 'a' })
  expect(told.status).toBe(status)
  expect(await told.text()).not.toContain('secret')
})

test('a guarded model takes no forms: what cannot be looked into does not pass', async () => {
  await using at = await rig(answering('application/json', transcript))
  at.bed.add(
    document('Guardrail', 'default', 'words', {
      rule: { kind: 'keyword', words: ['x'] },
      stages: ['request'],
      action: 'block',
    }),
  )
  at.bed.route('guarded', {
    tiers: [{ targets: [{ provider: 'far', model: 'tiny' }] }],
    guardrails: ['words'],
  })
  const form = formOf({ name: 'model', value: 'guarded' }, { name: 'file', value: sound })
  const told = await post(`${at.bed.url}/v1/audio/transcriptions`, at.key, form)
  expect([told.status, codeOf(await told.text())]).toEqual([400, 'unsupported_by_model'])
})
