// Whatever the deltas, so long as they are legal: each dialect's stream keeps its order, and each official client
// accumulates it to what was said.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import { type CallerName, type Delta, gemini, geminiArray, ollamaGenerate } from '@switchyard/dialects'
import fc from 'fast-check'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ports } from './carriages.ts'
import { checkOrder } from './orders.ts'
import { type Wild, wild } from './wild.ts'

const head = { id: 'id1', created: 1_700_000_000, model: 'public', usage: true }
const all = { ...ports, gemini, geminiArray, ollamaGenerate }

/** What each has no form for is left out: answers that Ollama withholds are errors there. */
const can: Readonly<Record<CallerName, readonly Wild[]>> = {
  openai: [{}, { choices: 3 }],
  responses: [{}],
  anthropic: [{}],
  gemini: [{}, { choices: 2 }],
  geminiArray: [{}, { choices: 2 }],
  ollama: [{ stops: ['end', 'length', 'sequence', 'pause', 'tool'] }],
  ollamaGenerate: [{ stops: ['end', 'length', 'sequence', 'pause', 'tool'] }],
}
const legal = (name: CallerName) => fc.oneof(...can[name].map(wild))

/** Written in pushes of any size. */
function written(name: CallerName, deltas: readonly Delta[], sizes: readonly number[]): Buffer {
  const encoder = all[name].encoder(head)
  const out: Buffer[] = []
  for (let from = 0, turn = 0; from < deltas.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    const bytes = encoder.push(deltas.slice(from, from + size))
    if (bytes) out.push(bytes)
    from += size
  }
  return Buffer.concat(out)
}
const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 })

interface Said {
  text: string
  refusal: string
  thought: string
  readonly calls: [name: unknown, args: unknown][]
}

const json = (text: string): unknown => JSON.parse(text === '' ? '{}' : text)

function said(deltas: readonly Delta[], choice = 0): Said {
  const found: Said = { text: '', refusal: '', thought: '', calls: [] }
  const kinds = new Map<number, string>()
  const args = new Map<number, string>()
  for (const delta of deltas) {
    if (delta.choice !== choice) continue
    if (delta.type === 'open') {
      kinds.set(delta.block, delta.kind)
      if (delta.kind === 'tool') args.set(delta.block, '')
    }
    if (delta.type === 'text' && kinds.get(delta.block) === 'refusal') found.refusal += delta.text
    else if (delta.type === 'text') found.text += delta.text
    if (delta.type === 'reasoning') found.thought += delta.text
    if (delta.type === 'args') args.set(delta.block, `${args.get(delta.block)}${delta.json}`)
  }
  const names = new Map(
    deltas.flatMap(delta =>
      delta.type === 'open' && delta.kind === 'tool' && delta.choice === choice
        ? [[delta.block, delta.name]]
        : [],
    ),
  )
  for (const [block, text] of [...args].sort(([one], [other]) => one - other))
    found.calls.push([names.get(block), json(text)])
  return found
}

/** Texts and refusals in the order of their blocks, for dialects in which both are text. */
function spokenText(deltas: readonly Delta[]): string {
  return deltas.flatMap(delta => (delta.type === 'text' && delta.choice === 0 ? [delta.text] : [])).join('')
}

let body: Buffer = Buffer.alloc(0)
let type = ''
const server = createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(200, { 'content-type': type }).end(body))
})
let base = ''
beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // it listens on TCP
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

const messages = [{ role: 'user' as const, content: 'hi' }]
const nothing = (): Said => ({ text: '', refusal: '', thought: '', calls: [] })

/** The reasoning of the first choice. */
function thoughtOf(stream: string): string {
  const events = stream.split('\n\n').slice(0, -2)
  return events
    .flatMap(event => (JSON.parse(event.slice(6)) as ChatChunk).choices)
    .map(({ index, delta }) => (index === 0 ? (delta.reasoning_content ?? '') : ''))
    .join('')
}

interface ChatChunk {
  readonly choices: readonly {
    readonly index: number
    readonly delta: { readonly reasoning_content?: string }
  }[]
}

/** What the official client of each makes of the stream. */
const accumulate: Readonly<Record<CallerName, (deltas: readonly Delta[]) => Promise<Said>>> = {
  openai: async deltas => {
    const client = new OpenAI({ apiKey: 'k', baseURL: `${base}/v1`, maxRetries: 0 })
    const final = await client.chat.completions
      .stream({ model: 'm', messages, stream_options: { include_usage: true } })
      .finalChatCompletion()
    const finish = deltas.filter(delta => delta.type === 'finish')
    expect(final.choices.map(({ index }) => index)).toEqual(finish.map(({ choice }) => choice))
    for (const { index, message } of final.choices)
      expect(message.content ?? '').toBe(said(deltas, index).text)
    expect(final.usage !== undefined).toBe(deltas.some(delta => delta.type === 'usage'))
    const message = final.choices[0]?.message
    const calls = message?.tool_calls ?? []
    return {
      text: message?.content ?? '',
      refusal: message?.refusal ?? '',
      // The client keeps no more of it than the last fragment.
      thought: thoughtOf(body.toString()),
      calls: calls.map(({ function: made }) => [made.name, json(made.arguments)]),
    }
  },
  responses: async () => {
    const client = new OpenAI({ apiKey: 'k', baseURL: `${base}/v1`, maxRetries: 0 })
    const { output } = await client.responses.stream({ model: 'm', input: 'hi' }).finalResponse()
    const found = nothing()
    for (const item of output) {
      if (item.type === 'function_call') found.calls.push([item.name, json(item.arguments)])
      if (item.type === 'reasoning') found.thought += item.summary.map(({ text }) => text).join('')
      if (item.type !== 'message') continue
      for (const part of item.content)
        if (part.type === 'output_text') found.text += part.text
        else found.refusal += part.refusal
    }
    return found
  },
  anthropic: async () => {
    const client = new Anthropic({ apiKey: 'k', baseURL: base, maxRetries: 0 })
    const { content } = await client.messages.stream({ model: 'm', max_tokens: 9, messages }).finalMessage()
    const found = nothing()
    for (const block of content) {
      if (block.type === 'text') found.text += block.text
      if (block.type === 'thinking') found.thought += block.thinking
      if (block.type === 'tool_use') found.calls.push([block.name, block.input])
    }
    return found
  },
  gemini: async () => {
    const client = new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: base } })
    const found = nothing()
    for await (const { candidates } of await client.models.generateContentStream({
      model: 'm',
      contents: 'hi',
    }))
      for (const { text = '', thought, functionCall } of candidates?.find(({ index }) => !index)?.content
        ?.parts ?? []) {
        found[thought ? 'thought' : 'text'] += text
        if (functionCall) found.calls.push([functionCall.name, functionCall.args])
      }
    return found
  },
  geminiArray: async () => {
    // No client asks for an array; JSON's own reader judges it.
    const found = nothing()
    const chunks = (await (await fetch(base)).json()) as {
      candidates: {
        index: number
        content: {
          parts: { text?: string; thought?: boolean; functionCall?: { name: string; args: object } }[]
        }
      }[]
    }[]
    for (const { candidates } of chunks)
      for (const { text = '', thought, functionCall } of candidates.find(({ index }) => index === 0)?.content
        .parts ?? []) {
        found[thought ? 'thought' : 'text'] += text
        if (functionCall) found.calls.push([functionCall.name, functionCall.args])
      }
    return found
  },
  ollama: async () => {
    const found = nothing()
    for await (const { message } of await new Ollama({ host: base }).chat({
      model: 'm',
      messages,
      stream: true,
    })) {
      found.text += message.content
      found.thought += message.thinking ?? ''
      for (const { function: made } of message.tool_calls ?? []) found.calls.push([made.name, made.arguments])
    }
    return found
  },
  ollamaGenerate: async () => {
    const found = nothing()
    const client = new Ollama({ host: base })
    for await (const part of await client.generate({ model: 'm', prompt: 'hi', stream: true })) {
      found.text += part.response
      found.thought += part.thinking ?? ''
      // The client's type does not know of them.
      const { tool_calls = [] } = part as {
        tool_calls?: { function: { name: string; arguments: unknown } }[]
      }
      for (const { function: made } of tool_calls) found.calls.push([made.name, made.arguments])
    }
    return found
  },
}

/** Where calls may come in the order in which they were whole, and refusals are text. */
const texts: ReadonlySet<CallerName> = new Set([
  'anthropic',
  'gemini',
  'geminiArray',
  'ollama',
  'ollamaGenerate',
])
const inOrder = (calls: Said['calls']) => calls.map(call => JSON.stringify(call)).sort()

describe.each(Object.keys(can) as CallerName[])('S1: a stream for a caller of %s', name => {
  test('keeps the order of its dialect, whatever the deltas', () => {
    fc.assert(
      fc.property(legal(name), sizes, (deltas, cuts) => checkOrder[name](written(name, deltas, cuts), head)),
      { numRuns: 300 },
    )
  })

  test('is accumulated by the official client to what was said', async () => {
    type = all[name].encoder(head).contentType
    await fc.assert(
      fc.asyncProperty(legal(name), sizes, async (deltas, cuts) => {
        body = written(name, deltas, cuts)
        const { calls, ...heard } = await accumulate[name](deltas)
        const { calls: made, ...spoken } = said(deltas)
        const expected = texts.has(name) ? { ...spoken, text: spokenText(deltas), refusal: '' } : spoken
        expect(heard).toEqual(expected)
        expect(inOrder(calls)).toEqual(inOrder(made))
      }),
      { numRuns: 60 },
    )
  })
})
