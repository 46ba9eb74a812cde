import {
  anthropic,
  type ChatPort,
  type Conversation,
  type Delta,
  type Filter,
  gemini,
  ollama,
  ollamaGenerate,
  openaiChat,
  responses,
} from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { joined } from '../src/pieces.ts'
import { carriageOf } from './carriages.ts'
import { answers, cut, meaning } from './generate.ts'

const options = { model: 'm', strict: false, maxOutput: 4096 }
const about = { id: 'id1', model: 'm', created: 1_700_000_000, usage: true }
const parse = (bytes: Buffer | undefined): unknown => JSON.parse(bytes?.toString() ?? 'null')
const bytes = (value: object) => Buffer.from(JSON.stringify(value))

const hi: Conversation = {
  dialect: 'openai',
  model: 'm',
  turns: [{ role: 'user', parts: [{ type: 'text', text: 'hi' }] }],
  tools: [],
  logprobs: 2,
  stop: [],
  sampling: {},
  stream: { on: false, usage: false },
  rest: {},
}

const tokens = [
  { token: 'h', bytes: [104], logprob: -0.25, top: [{ token: 'h', bytes: [104], logprob: -0.25 }] },
  { token: 'i', logprob: -1e-7, top: [] },
]
const said: readonly Delta[] = [
  { choice: 0, type: 'open', block: 0, kind: 'text' },
  { choice: 0, type: 'text', block: 0, text: 'hi' },
  { choice: 0, type: 'logprobs', block: 0, tokens },
  { choice: 0, type: 'close', block: 0 },
  { choice: 0, type: 'finish', stop: 'end' },
  { choice: 0, type: 'end' },
]

function streamed(port: ChatPort, deltas: readonly Delta[]): Buffer {
  return port.encoder(about).push(deltas) ?? Buffer.alloc(0)
}

function read(port: ChatPort, body: Buffer, cuts: readonly number[] = []): readonly Delta[] {
  const decoder = port.decoder()
  return [...cut(body, cuts).flatMap(chunk => [...decoder.push(chunk)]), ...decoder.finish()]
}

describe('probabilities of tokens', () => {
  const asked: readonly (readonly [string, ChatPort, object])[] = [
    ['OpenAI chat', openaiChat, { logprobs: true, top_logprobs: 2 }],
    ['Responses', responses, { top_logprobs: 2, include: ['message.output_text.logprobs'], store: false }],
    ['Gemini', gemini, { generationConfig: { responseLogprobs: true, logprobs: 2 } }],
    ['Ollama', ollama, { logprobs: true, top_logprobs: 2 }],
  ]

  test.each(asked)('are asked of %s', (_, port, members) => {
    const { value, dropped } = port.writeAsk(hi, { ...options, strict: true })
    expect(dropped).toEqual([])
    expect(parse(joined(value.body))).toMatchObject(members)
  })

  test('are asked of Responses beside what else its caller wants to have included', () => {
    const others = ['reasoning.encrypted_content', 'message.input_image.image_url']
    const include = [...others, 'message.output_text.logprobs']
    const ask = responses.readAsk(bytes({ model: 'm', input: 'hi', store: false, include }), {})
    const { value, dropped } = responses.writeAsk(ask, options)
    expect(dropped).toEqual([])
    const sent = parse(joined(value.body)) as { include: string[]; store: boolean } // asserted just below
    expect(sent.store).toBe(false)
    expect([...sent.include].sort()).toEqual([...include].sort())
  })

  test('are dropped by name where Anthropic is asked, and refused where the route is strict', () => {
    expect(anthropic.writeAsk(hi, options).dropped).toEqual(['logprobs'])
    expect(() => anthropic.writeAsk(hi, { ...options, strict: true })).toThrow(/logprobs/)
    expect(JSON.stringify(parse(anthropic.writeReply(said, about)))).not.toContain('logprob')
  })

  const top = [{ token: 'h', logprob: -0.25, bytes: [104] }]
  const replies: readonly (readonly [string, ChatPort, object])[] = [
    [
      'OpenAI chat',
      openaiChat,
      {
        choices: [
          {
            message: { content: 'hi' },
            logprobs: {
              content: [
                { token: 'h', logprob: -0.25, bytes: [104], top_logprobs: top },
                { token: 'i', logprob: -1e-7, bytes: null, top_logprobs: [] },
              ],
              refusal: null,
            },
          },
        ],
      },
    ],
    [
      'Responses',
      responses,
      {
        output: [
          {
            content: [
              {
                text: 'hi',
                logprobs: [
                  { token: 'h', logprob: -0.25, bytes: [104], top_logprobs: top },
                  { token: 'i', logprob: -1e-7, bytes: [], top_logprobs: [] },
                ],
              },
            ],
          },
        ],
      },
    ],
    [
      'Gemini',
      gemini,
      {
        candidates: [
          {
            content: { parts: [{ text: 'hi' }] },
            logprobsResult: {
              topCandidates: [{ candidates: [{ token: 'h', logProbability: -0.25 }] }, { candidates: [] }],
              chosenCandidates: [
                { token: 'h', logProbability: -0.25 },
                { token: 'i', logProbability: -1e-7 },
              ],
            },
          },
        ],
      },
    ],
    [
      'Ollama',
      ollamaGenerate,
      {
        response: 'hi',
        logprobs: [
          { token: 'h', logprob: -0.25, bytes: [104], top_logprobs: top },
          { token: 'i', logprob: -1e-7, top_logprobs: [] },
        ],
      },
    ],
  ]

  test.each(replies)('are written and read in the form of %s', (name, port, form) => {
    const written = port.writeReply(said, about)
    expect(parse(written)).toMatchObject(form)
    const bare = tokens.map(({ token, logprob, top: others }) => ({
      token,
      logprob,
      top: others.map(({ token: other, logprob: of }) => ({ token: other, logprob: of })),
    }))
    const scores = name === 'Gemini' ? bare : tokens
    expect(meaning(port.readReply(written) ?? []).choices[0]?.scores).toEqual(scores)
    expect(meaning(read(port, streamed(port, said))).choices[0]?.scores).toEqual(scores)
  })

  test('stand in the chunk of the text that they belong to', () => {
    const [first = ''] = streamed(openaiChat, said).toString().split('\n\n').slice(1)
    expect(parse(Buffer.from(first.slice(6)))).toMatchObject({
      choices: [{ delta: { content: 'hi' }, logprobs: { content: [{ token: 'h' }, { token: 'i' }] } }],
    })
    const delta = /data: (.*output_text\.delta.*)/.exec(streamed(responses, said).toString())?.[1] ?? ''
    expect(parse(Buffer.from(delta))).toMatchObject({
      delta: 'hi',
      logprobs: [{ token: 'h' }, { token: 'i' }],
    })
  })

  test.each([
    ['OpenAI chat', openaiChat],
    ['Responses', responses],
    ['Gemini', gemini],
    ['Ollama', ollama],
  ] as const)(
    'are the same however the stream of %s is cut into chunks, and end with no cut one',
    (_, port) => {
      fc.assert(
        fc.property(
          answers({ logprobs: true }),
          fc.array(fc.nat(), { maxLength: 8 }),
          fc.nat(),
          (deltas, cuts, at) => {
            const body = streamed(port, deltas)
            const whole = read(port, body)
            expect(meaning(whole).choices[0]?.scores).toEqual(meaning(deltas).choices[0]?.scores)
            expect(meaning(read(port, body, cuts))).toEqual(meaning(whole))
            const encoder = port.encoder(about)
            const one = Buffer.concat(deltas.flatMap(delta => encoder.push([delta]) ?? []))
            expect(meaning(read(port, one)).choices[0]?.scores).toEqual(meaning(whole).choices[0]?.scores)
            const before = deltas.findIndex(({ type }) => type === 'finish')
            const broken = read(port, streamed(port, deltas.slice(0, at % (before + 1))))
            expect(meaning(broken).ended).toBe('fault')
          },
        ),
        { numRuns: 30 },
      )
    },
  )

  test('do not pass a filter, which could not take out of them what it takes out of the text', () => {
    const filter = (): Filter => ({ push: deltas => deltas })
    const carriage = carriageOf('openai', { dialect: 'ollama' }, { filter })
    const reply = carriage.reply(ollama.writeReply(said, about))
    expect(parse(reply?.bytes)).toMatchObject({ choices: [{ message: { content: 'hi' }, logprobs: null }] })
    const tap = carriage.tap()
    tap.push(streamed(ollama, said))
    expect(tap.out?.toString()).not.toContain('logprob')
    expect(tap.terminal).toBeDefined()
  })
})

describe('citations', () => {
  const part = (value: string, start: number) => ({
    type: 'output_text',
    text: value,
    logprobs: [],
    annotations: [
      {
        type: 'url_citation',
        url: 'https://a.example/',
        title: 'A',
        start_index: start,
        end_index: start + 2,
      },
      { type: 'file_citation', file_id: 'f', index: 0, filename: 'f' },
    ],
  })
  const message = (id: string, ...content: object[]) => ({ id, type: 'message', role: 'assistant', content })
  const response = {
    object: 'response',
    status: 'completed',
    output: [message('m1', part('é😀a', 1)), message('m2', part('bcd', 0))],
  }

  test('count in the whole message of a chat and in each part of a response', () => {
    const deltas = responses.readReply(bytes(response)) ?? []
    const chat = openaiChat.writeReply(deltas, about)
    const cited = (start: number) => ({
      type: 'url_citation',
      url_citation: { url: 'https://a.example/', title: 'A', start_index: start, end_index: start + 2 },
    })
    expect(parse(chat)).toMatchObject({
      choices: [{ message: { content: 'é😀abcd', annotations: [cited(1), cited(3)] } }],
    })
    const again = meaning(openaiChat.readReply(chat) ?? [])
    expect(again.choices[0]?.citations).toEqual(meaning(deltas).choices[0]?.citations)
  })

  test('are told while a response is streamed, and again when it is whole', () => {
    const deltas = openaiChat.readReply(
      bytes({
        choices: [
          {
            message: {
              content: 'é😀a',
              annotations: [
                {
                  type: 'url_citation',
                  url_citation: { url: 'https://a.example/', start_index: 1, end_index: 3 },
                },
              ],
            },
            finish_reason: 'stop',
          },
        ],
      }),
    )
    const body = streamed(responses, deltas ?? [])
    expect(body.toString()).toContain('event: response.output_text.annotation.added')
    expect(meaning(read(responses, body)).choices[0]?.citations).toEqual([
      { url: 'https://a.example/', start: 1, end: 3 },
    ])
    const end = /data: (.*"response\.completed".*)/.exec(body.toString())?.[1] ?? ''
    expect(parse(Buffer.from(end))).toMatchObject({
      response: { output: [{ content: [{ annotations: [{ type: 'url_citation', start_index: 1 }] }] }] },
    })
  })
})

describe('what a model makes beside text', () => {
  const png = 'iVBORw0KGgo='
  const reply = (mimeType: string) => ({
    responseId: 'r',
    candidates: [
      {
        index: 0,
        finishReason: 'STOP',
        content: { role: 'model', parts: [{ text: 'see' }, { inlineData: { mimeType, data: png } }] },
      },
    ],
  })
  const made = gemini.readReply(bytes(reply('image/png'))) ?? []

  test('an image of Gemini is an item of a response, and comes back to it in the history', () => {
    const written = parse(responses.writeReply(made, about))
    expect(written).toMatchObject({
      output: [{ type: 'message' }, { type: 'image_generation_call', status: 'completed', result: png }],
    })
    const { output } = written as { output: object[] } // asserted just above
    const input = [{ role: 'user', content: 'draw' }, ...output, { role: 'user', content: 'again' }]
    const ask = responses.readAsk(bytes({ model: 'm', input }), {})
    expect(parse(joined(gemini.writeAsk(ask, options).value.body))).toMatchObject({
      contents: [
        { role: 'user' },
        { role: 'model', parts: [{ text: 'see' }, { inlineData: { mimeType: 'image/png', data: png } }] },
        { role: 'user' },
      ],
    })
  })

  test.each([
    ['OpenAI chat', 'openai', openaiChat],
    ['Anthropic', 'anthropic', anthropic],
    ['Ollama', 'ollama', ollama],
  ] as const)(
    'is an error for a caller of %s, whole and streamed, never an answer without it',
    (_, name, port) => {
      expect(() => port.writeReply(made, about)).toThrow(Fault)
      const carriage = carriageOf(name, { dialect: 'responses' })
      const whole = carriage.reply(responses.writeReply(made, about))
      expect(whole?.refusal).toMatchObject({ code: 'invalid', reason: 'unsupported_by_model' })
      const body = streamed(port, made)
      expect(meaning(read(port, body)).ended).toBe('fault')
      expect(body.toString()).not.toMatch(/\[DONE\]|message_stop|"done":true/)
    },
  )

  test('sound is an error for a caller of Responses too', () => {
    const sound = gemini.readReply(bytes(reply('audio/wav'))) ?? []
    expect(() => responses.writeReply(sound, about)).toThrow(/audio/)
    const body = streamed(responses, sound)
    expect(body.toString()).toContain('response.failed')
    expect(body.toString()).not.toContain('response.completed')
  })
})
