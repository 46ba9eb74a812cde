import { expect, test, vi } from 'vitest'
import { Bed } from './bed.ts'
import { answering, MediaUpstream, whole } from './upload.bed.ts'

interface Asked extends RequestInit {
  readonly headers?: Record<string, string>
}

async function rig(...acts: Parameters<typeof MediaUpstream.start>) {
  const stack = new AsyncDisposableStack()
  const upstream = stack.use(await MediaUpstream.start(...acts))
  const bed = stack.use(await Bed.start())
  bed.credential('far-key', 'sk-far')
  bed.provider('triton', {
    type: 'open-inference',
    baseUrl: `http://${upstream.address}`,
    credential: 'far-key',
    models: [{ name: 'resnet', upstream: 'resnet-50' }],
  })
  bed.route('resnet', { tiers: [{ targets: [{ provider: 'triton', model: 'resnet' }] }] })
  const key = bed.key()
  const ask = (path: string, init: Asked = {}) =>
    fetch(bed.url + path, { ...init, headers: { authorization: `Bearer ${key}`, ...init.headers } })
  return { upstream, bed, ask, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const tensors = Buffer.concat([
  Buffer.from('{"inputs":[{"name":"x","shape":[4],"datatype":"FP32","parameters":{"binary_data_size":16}}]}'),
  Buffer.from(Uint8Array.from({ length: 16 }, (_, at) => 240 + at)),
])
const jsonBytes = String(tensors.length - 16)
const binary = {
  method: 'POST',
  body: Uint8Array.from(tensors),
  headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': jsonBytes },
}

test('A12: binary tensors arrive untouched both ways, with the length of their JSON', async () => {
  const answer = answering('application/octet-stream', tensors, 200, {
    'Inference-Header-Content-Length': jsonBytes,
  })
  await using at = await rig(answer)
  const told = await at.ask('/v2/models/resnet/versions/3/infer', binary)
  expect(told.status).toBe(200)
  expect(told.headers.get('inference-header-content-length')).toBe(jsonBytes)
  expect(told.headers.get('content-type')).toBe('application/octet-stream')
  expect(Buffer.from(await told.arrayBuffer()).equals(tensors)).toBe(true)
  const { body, url, headers } = at.upstream.last
  expect(url).toBe('/v2/models/resnet-50/versions/3/infer')
  expect(body.equals(tensors)).toBe(true)
  expect(headers).toMatchObject({
    'content-type': 'application/octet-stream',
    'inference-header-content-length': jsonBytes,
    authorization: 'Bearer sk-far',
  })
  await vi.waitUntil(() => at.bed.journal.events.length > 0)
  expect(at.bed.journal.last).toMatchObject({ operation: 'oip.infer', model: 'resnet', end: 'done' })
})

test('a reply in JSON shows the public name, and nothing else of it changes', async () => {
  await using at = await rig(answering('application/json', '{"model_name":"resnet-50" ,"outputs":[1.0e400]}'))
  const told = await at.ask('/v2/models/resnet/infer', { method: 'POST', body: '{"inputs":[]}' })
  expect(await told.text()).toBe('{"model_name":"resnet" ,"outputs":[1.0e400]}')
})

test("a model's own page comes from its upstream", async () => {
  const page = '{"name":"resnet-50","versions":["1"],"platform":"onnx","inputs":[],"outputs":[]}'
  await using at = await rig(answering('application/json', page))
  const told = await at.ask('/v2/models/resnet')
  expect(await told.text()).toBe(page.replace('resnet-50', 'resnet'))
  expect(at.upstream.last).toMatchObject({ method: 'GET', url: '/v2/models/resnet-50' })
  expect(at.upstream.last.body.length).toBe(0)
})

test('generate_stream streams, and a cut ends it with an error event', async () => {
  const events = ['data: {"text_output":"a"}\n\n', 'data: {"text_output":"b"}\n\n']
  await using at = await rig(
    answering('text/event-stream', events.join('')),
    async (incoming, response, taken) => {
      await whole(incoming, taken)
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(events[0], () => response.destroy())
    },
  )
  const stream = { method: 'POST', body: '{"text_input":"x"}' }
  const good = await at.ask('/v2/models/resnet/generate_stream', stream)
  expect(good.headers.get('content-type')).toBe('text/event-stream')
  expect(await good.text()).toBe(events.join(''))
  expect(at.upstream.last.url).toBe('/v2/models/resnet-50/generate_stream')
  const cut = await at.ask('/v2/models/resnet/generate_stream', stream)
  expect(await cut.text()).toMatch(/^data: \{"text_output":"a"\}\n\ndata: \{"error":"[^"]+"\}\n\n$/)
})

test('health and the server tell of themselves, and a model of whether it is ready', async () => {
  await using at = await rig(answering('application/json', '{}'))
  const bare = async (path: string) => {
    const told = await fetch(at.bed.url + path)
    return [told.status, await told.text()]
  }
  expect(await bare('/v2/health/live')).toEqual([200, '{"live":true}'])
  expect(await bare('/v2/health/ready')).toEqual([200, '{"ready":true}'])
  expect((await bare('/v2'))[0]).toBe(401)
  expect(await (await at.ask('/v2')).text()).toContain('"name":"switchyard"')
  expect(await (await at.ask('/v2/models/resnet/ready')).text()).toBe('{"name":"resnet","ready":true}')
  expect((await at.ask('/v2/models/resnet/versions/1/ready')).status).toBe(200)
  expect(at.upstream.taken).toEqual([])
})

test.each([
  ['an unknown model', 'POST', '/v2/models/none/infer', 404],
  ['an unknown action', 'POST', '/v2/models/resnet/train', 404],
  ['a wrong method', 'GET', '/v2/models/resnet/infer', 405],
  ['a model that is not ready', 'GET', '/v2/models/chatty/ready', 503],
  ['a model without inference', 'POST', '/v2/models/chatty/infer', 400],
])('%s is an error of one text', async (_, method, path, status) => {
  await using at = await rig(answering('application/json', '{}'))
  at.bed.provider('talks', { type: 'openai-compatible', baseUrl: `http://${at.upstream.address}/v1` })
  at.bed.route('chatty', { tiers: [{ targets: [{ provider: 'talks', model: 'm' }] }] })
  const told = await at.ask(path, { method })
  expect(told.status).toBe(status)
  expect(await told.text()).toMatch(/^\{"error":"[^"]+"\}$/)
  expect(at.upstream.taken).toEqual([])
})

test("an upstream's refusal of the tensors passes as it said it; its own faults do not", async () => {
  await using at = await rig(
    answering('application/json', '{"error":"shape mismatch"}', 400),
    answering('application/json', '{"error":"secret stack"}', 500),
  )
  const refused = await at.ask('/v2/models/resnet/infer', binary)
  expect([refused.status, await refused.text()]).toEqual([400, '{"error":"shape mismatch"}'])
  const failed = await at.ask('/v2/models/resnet/infer', binary)
  expect(failed.status).toBe(502)
  expect(await failed.text()).not.toContain('secret')
})

test('a chat is not sent to an upstream that has none', async () => {
  await using at = await rig(answering('application/json', '{}'))
  const told = await at.ask('/v1/chat/completions', {
    method: 'POST',
    body: '{"model":"resnet","messages":[]}',
    headers: { 'content-type': 'application/json' },
  })
  expect(told.status).toBe(400)
  expect(at.upstream.taken).toEqual([])
})
