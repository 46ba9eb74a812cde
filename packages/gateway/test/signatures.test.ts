import { hash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import { type Conversation, type Delta, type Part, responses } from '@switchyard/dialects'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Signatures } from '../src/signatures.ts'
import { Bed } from './bed.ts'
import { at, events } from './callers.ts'
import { event, named } from './upstream/speaker.ts'

/** An upstream that signs each of its answers and calls a tool in the first two. */
interface Signer {
  readonly type: 'anthropic' | 'gemini'
  readonly base: string
  reply(turn: number): object
  stream(turn: number): string
  /** What a request carries of signatures, each with what it signs. */
  signed(body: unknown): unknown
  /** What stands for a turn's signature in it. */
  readonly of: (turn: number) => readonly unknown[]
  /** What is sent where the signatures are not known. */
  readonly without: (turns: number) => unknown
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const signature = (turn: number) => `c2lnbmVk${turn}`
const thought = (turn: number) => `thought ${turn}`
const args = (turn: number) => ({ n: turn, city: 'Åre' })

const claude: Signer = {
  type: 'anthropic',
  base: '/v1',
  reply: turn => ({
    id: `msg_${turn}`,
    type: 'message',
    role: 'assistant',
    model: 'up',
    stop_reason: turn < 2 ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
    content: [
      { type: 'thinking', thinking: thought(turn), signature: signature(turn) },
      ...(turn < 2
        ? [{ type: 'tool_use', id: `toolu_${turn}`, name: 'weather', input: args(turn) }]
        : [{ type: 'text', text: 'done' }]),
    ],
  }),
  stream: turn =>
    [
      { type: 'message_start', message: { id: `msg_${turn}`, role: 'assistant', model: 'up', content: [] } },
      { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'thought ' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: String(turn) } },
      {
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'signature_delta', signature: signature(turn) },
      },
      { type: 'content_block_stop', index: 0 },
      {
        type: 'content_block_start',
        index: 1,
        content_block: { type: 'tool_use', id: `toolu_${turn}`, name: 'weather', input: {} },
      },
      {
        type: 'content_block_delta',
        index: 1,
        delta: { type: 'input_json_delta', partial_json: JSON.stringify(args(turn)) },
      },
      { type: 'content_block_stop', index: 1 },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 1 } },
      { type: 'message_stop' },
    ]
      .map(named)
      .join(''),
  signed: body => ({
    on: at(body, 'thinking') !== undefined,
    all: list(at(body, 'messages')).flatMap(message =>
      list(at(message, 'content')).flatMap(part =>
        at(part, 'type') === 'thinking' ? [[at(part, 'thinking'), at(part, 'signature')]] : [],
      ),
    ),
  }),
  of: turn => [thought(turn), signature(turn)],
  without: () => ({ on: false, all: [] }),
}

const google: Signer = {
  type: 'gemini',
  base: '/v1beta',
  reply: turn => ({
    responseId: `r${turn}`,
    modelVersion: 'up',
    usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
    candidates: [
      {
        index: 0,
        finishReason: 'STOP',
        content: {
          role: 'model',
          parts:
            turn < 2
              ? [
                  { text: thought(turn), thought: true },
                  {
                    functionCall: { name: 'weather', args: args(turn) },
                    thoughtSignature: signature(turn),
                  },
                ]
              : [{ text: 'done' }],
        },
      },
    ],
  }),
  stream: turn => event(google.reply(turn)),
  signed: body => ({
    on: true,
    all: list(at(body, 'contents')).flatMap(content =>
      list(at(content, 'parts')).flatMap(part =>
        at(part, 'functionCall')
          ? [[at(part, 'functionCall', 'args', 'n'), at(part, 'thoughtSignature')]]
          : [],
      ),
    ),
  }),
  of: turn => [turn, signature(turn)],
  without: turns => ({
    on: true,
    all: Array.from({ length: turns }, (_, turn) => [turn, 'skip_thought_signature_validator']),
  }),
}

const signers = [
  ['Anthropic', claude],
  ['Gemini', google],
] as const

let server: Server
let asked: { readonly url: string; readonly body: unknown }[] = []
beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const url = request.url ?? ''
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString())
      asked.push({ url, body })
      const signer = url.includes('/messages') ? claude : google
      const history = list(at(body, 'messages') ?? at(body, 'contents'))
      const turn = history.filter(message =>
        ['assistant', 'model'].includes(String(at(message, 'role'))),
      ).length
      const streamed = at(body, 'stream') === true || url.includes('stream')
      response.writeHead(200, { 'content-type': streamed ? 'text/event-stream' : 'application/json' })
      response.end(streamed ? signer.stream(turn) : JSON.stringify(signer.reply(turn)))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  asked = []
})

const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }]
const asking = { model: 'm', reasoning_effort: 'high', max_tokens: 30_000, tools }

function settle(bed: Bed, { type, base }: Signer, workspace = 'default'): void {
  const { port } = server.address() as AddressInfo // it listens on TCP
  bed.provider('p', { type, baseUrl: `http://127.0.0.1:${port}${base}` }, { workspace })
  bed.route('m', { tiers: [{ targets: [{ provider: 'p', model: 'up' }] }] }, { workspace })
}

/** What a client that knows nothing of signatures keeps of an answer: its call, printed anew. */
async function called(answer: Response, stream: boolean): Promise<readonly object[]> {
  const parts = stream
    ? events(await answer.text()).map(one => at(one, 'choices', 0, 'delta', 'tool_calls', 0))
    : [at(await answer.json(), 'choices', 0, 'message', 'tool_calls', 0)]
  const id = parts.map(part => at(part, 'id')).find(one => one !== undefined)
  const texts = parts.map(part => at(part, 'function', 'arguments'))
  const text = texts.filter(one => typeof one === 'string').join('')
  const { n, city } = JSON.parse(text) as ReturnType<typeof args> // the upstream above has sent them
  const again = { name: 'weather', arguments: `{ "city": "${city.replace('Å', '\\u00c5')}", "n": ${n} }` }
  return [
    { role: 'assistant', content: null, tool_calls: [{ id, type: 'function', function: again }] },
    { role: 'tool', tool_call_id: id, content: 'sunny' },
  ]
}

describe.each(signers)('C9: an upstream of %s', (_, signer) => {
  test.each([false, true])(
    'has over three turns the signatures that its caller has lost (stream %s)',
    async stream => {
      await using bed = await Bed.start()
      const key = bed.key()
      settle(bed, signer)
      const messages: object[] = [{ role: 'user', content: 'hi' }]
      for (const turn of [0, 1]) {
        const answer = await bed.chat(key, { ...asking, stream, messages })
        expect(answer.status).toBe(200)
        messages.push(...(await called(answer, stream)))
        expect(signer.signed(asked.at(-1)?.body)).toMatchObject({
          on: true,
          all: Array.from({ length: turn }, (_one, at) => signer.of(at)),
        })
      }
      const last = await bed.chat(key, { ...asking, messages })
      expect(last.headers.get('x-switchyard-warning')).toBeNull()
      expect(at(await last.json(), 'choices', 0, 'message', 'content')).toBe('done')
      expect(signer.signed(asked.at(-1)?.body)).toEqual({ on: true, all: [signer.of(0), signer.of(1)] })
    },
  )

  test('never sees what was signed for another workspace: it is asked as without', async () => {
    await using bed = await Bed.start()
    bed.workspace('other')
    const [key, foreign] = [bed.key(), bed.key({ workspace: 'other' })]
    settle(bed, signer)
    settle(bed, signer, 'other')
    const hi = { role: 'user', content: 'hi' }
    const first = await bed.chat(key, { ...asking, messages: [hi] })
    const history = [hi, ...(await called(first, false))]
    expect((await bed.chat(foreign, { ...asking, messages: history })).status).toBe(200)
    expect(signer.signed(asked.at(-1)?.body)).toEqual(signer.without(1))
    expect((await bed.chat(key, { ...asking, messages: history })).status).toBe(200)
    expect(signer.signed(asked.at(-1)?.body)).toEqual({ on: true, all: [signer.of(0)] })
  })

  test('is never sent what the other has signed', async () => {
    await using bed = await Bed.start()
    const key = bed.key()
    const other = signer === claude ? google : claude
    settle(bed, other)
    const hi = { role: 'user', content: 'hi' }
    const history = [hi, ...(await called(await bed.chat(key, { ...asking, messages: [hi] }), false))]
    const { port } = server.address() as AddressInfo // it listens on TCP
    bed.provider('q', { type: signer.type, baseUrl: `http://127.0.0.1:${port}${signer.base}` })
    bed.route('n', { tiers: [{ targets: [{ provider: 'q', model: 'up' }] }] })
    expect((await bed.chat(key, { ...asking, model: 'n', messages: history })).status).toBe(200)
    expect(signer.signed(asked.at(-1)?.body)).toEqual(signer.without(1))
  })
})

/** Claude's own form of history, as its clients keep it: content as it came, and a result. */
test.each([false, true])(
  'C9: a conversation of Anthropic’s that Gemini has begun goes on at Anthropic without its signatures (stream %s)',
  async stream => {
    await using bed = await Bed.start()
    const key = bed.key()
    settle(bed, google)
    const { port } = server.address() as AddressInfo // it listens on TCP
    bed.provider('q', { type: 'anthropic', baseUrl: `http://127.0.0.1:${port}/v1` })
    bed.route('n', { tiers: [{ targets: [{ provider: 'q', model: 'up' }] }] })
    const client = new Anthropic({ apiKey: key, baseURL: bed.url, maxRetries: 0 })
    const asks = {
      max_tokens: 9_000,
      thinking: { type: 'enabled' as const, budget_tokens: 2_000 },
      tools: [{ name: 'weather', input_schema: { type: 'object' as const } }],
    }
    const messages: Anthropic.MessageParam[] = [{ role: 'user', content: 'hi' }]
    const asked1 = { ...asks, model: 'm', messages }
    const { content } = stream
      ? await client.messages.stream(asked1).finalMessage()
      : await client.messages.create(asked1)
    const call = content.find(block => block.type === 'tool_use')
    messages.push(
      { role: 'assistant', content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: call?.id ?? '', content: 'sunny' }] },
    )
    // Gemini's own comes back to Gemini.
    await client.messages.create({ ...asks, model: 'm', messages })
    expect(google.signed(asked.at(-1)?.body)).toEqual({ on: true, all: [google.of(0)] })
    const { response } = await client.messages.create({ ...asks, model: 'n', messages }).withResponse()
    const body = asked.at(-1)?.body
    expect(claude.signed(body)).toEqual({ on: true, all: [] })
    expect(at(body, 'thinking', 'type')).toBe('disabled')
    expect(list(at(body, 'messages', 1, 'content'))).toEqual([call])
    expect(response.headers.get('x-switchyard-warning')).toBe('dropped=thinking')
  },
)

function answer(id: string, more: string): readonly Delta[] {
  return [
    { choice: 0, type: 'open', block: 0, kind: 'reasoning' },
    { choice: 0, type: 'reasoning', block: 0, text: more },
    { choice: 0, type: 'signature', block: 0, signature: 's', origin: 'anthropic' },
    { choice: 0, type: 'close', block: 0 },
    { choice: 0, type: 'open', block: 1, kind: 'tool', id, name: 'f' },
    { choice: 0, type: 'args', block: 1, json: '{"a":1}' },
    { choice: 0, type: 'close', block: 1 },
    { choice: 0, type: 'finish', stop: 'tool' },
    { choice: 0, type: 'end' },
  ]
}

function history(id: string, ...before: readonly Part[]): Conversation {
  const parts: readonly Part[] = [...before, { type: 'toolCall', id, name: 'f', args: '{"a":1}' }]
  return {
    dialect: 'openai',
    model: 'm',
    turns: [{ role: 'assistant', parts }],
    tools: [],
    stop: [],
    sampling: {},
    stream: { on: false, usage: false },
    rest: {},
  }
}

describe('signatures that are kept', () => {
  let now = 0
  const store = (bytes?: number) => new Signatures(() => now, bytes === undefined ? {} : { bytes })
  const parts = (kept: Signatures, id: string, dialect: 'anthropic' | 'openai' = 'anthropic') =>
    kept.restored('w', history(id), dialect).turns[0]?.parts.map(({ type }) => type)

  test('are forgotten an hour after their last use', () => {
    const kept = store()
    kept.listener('w').push(answer('c1', 'hm'))
    now += 3_599_999
    expect(parts(kept, 'c1')).toEqual(['reasoning', 'toolCall'])
    now += 3_599_999
    expect(parts(kept, 'c1')).toEqual(['reasoning', 'toolCall'])
    now += 3_600_000
    expect(parts(kept, 'c1')).toEqual(['toolCall'])
    expect(kept.bytes).toBe(0)
  })

  test('never take more than their bound, the least recently used go first', () => {
    const kept = store(100_000)
    for (let i = 0; i < 50; i++) {
      kept.listener('w').push(answer(`c${i}`, 'x'.repeat(10_000)))
      expect(parts(kept, 'c0')).toEqual(['reasoning', 'toolCall'])
      expect(kept.bytes).toBeLessThanOrEqual(100_000)
    }
    expect(parts(kept, 'c49')).toEqual(['reasoning', 'toolCall'])
    expect(parts(kept, 'c1')).toEqual(['toolCall'])
    kept.listener('w').push(answer('big', 'x'.repeat(100_000)))
    expect(parts(kept, 'big')).toEqual(['toolCall'])
    expect(parts(kept, 'c49')).toEqual(['reasoning', 'toolCall'])
  })

  test('are not kept of an answer that was cut', () => {
    const kept = store()
    kept.listener('w').push(answer('c1', 'hm').slice(0, -1))
    expect(kept.bytes).toBe(0)
  })

  test('are found by an id that a dialect had to change, not by the id of other calls', () => {
    const kept = store()
    kept.listener('w').push(answer('odd id/1', 'hm'))
    expect(parts(kept, 'odd id/1')).toEqual(['reasoning', 'toolCall'])
    const hashed = hash('sha256', 'odd id/1').slice(0, 24)
    expect(parts(kept, `toolu_${hashed}`)).toEqual(['reasoning', 'toolCall'])
    expect(parts(kept, 'odd id/2')).toEqual(['toolCall'])
    const other = history('odd id/1')
    const turns = [
      {
        role: 'assistant' as const,
        parts: [{ type: 'toolCall' as const, id: 'odd id/1', name: 'g', args: '{}' }],
      },
    ]
    expect(kept.restored('w', { ...other, turns }, 'anthropic').turns).toBe(turns)
  })

  test('are items again for an upstream of Responses, which gets none where nothing is kept', () => {
    const kept = store()
    const sealed = answer('c1', 'hm').map(delta =>
      delta.type === 'signature'
        ? { ...delta, signature: 'rs_1', opaque: 'c2VhbA==', origin: 'responses' }
        : delta,
    )
    kept.listener('w').push(sealed)
    const results: readonly Part[] = [
      { type: 'toolResult', callId: 'c1', parts: [{ type: 'text', text: 'x' }], isError: false },
    ]
    const ask = history('c1')
    const whole = { ...ask, turns: [...ask.turns, { role: 'tool' as const, parts: results }] }
    const options = { model: 'm', strict: false, maxOutput: 9 }
    const input = (workspace: string) => {
      const sent = responses.writeAsk(kept.restored(workspace, whole, 'responses'), options)
      return list(at(JSON.parse(sent.value.body.toString()), 'input')).slice(0, -1)
    }
    const call = { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"a":1}' }
    const summary = [{ type: 'summary_text', text: 'hm' }]
    expect(input('w')).toEqual([
      { type: 'reasoning', id: 'rs_1', summary, encrypted_content: 'c2VhbA==' },
      call,
    ])
    expect(input('another')).toEqual([call])
  })

  test('take the place of the same reasoning without its signature, and of no signed one', () => {
    const kept = store()
    kept.listener('w').push(answer('c1', 'hm'))
    const unsigned = history('c1', { type: 'reasoning', text: 'hm' }, { type: 'text', text: 'I look.' })
    expect(kept.restored('w', unsigned, 'anthropic').turns[0]?.parts).toMatchObject([
      { type: 'reasoning', text: 'hm', signature: 's' },
      { type: 'text' },
      { type: 'toolCall' },
    ])
    const signed = history('c1', { type: 'reasoning', text: 'mine', signature: 't', origin: 'anthropic' })
    expect(kept.restored('w', signed, 'anthropic')).toBe(signed)
    expect(parts(kept, 'c1', 'openai')).toEqual(['toolCall'])
  })
})
