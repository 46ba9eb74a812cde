// A8: the official clients at every dialect of an upstream: whole answers, streams, calls of tools, and what they throw.
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { settle } from './fleet.ts'
import { model, said, tool } from './upstream/speaker.ts'
import { type Name, ScriptedUpstream } from './upstream.ts'

let bed: Bed
let engine: ScriptedUpstream
let key: string
beforeEach(async () => {
  bed = await Bed.start()
  engine = await ScriptedUpstream.start()
  key = bed.key()
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
})

interface Answer {
  readonly text: string
  readonly call?: { readonly name: string | undefined; readonly args: unknown } | undefined
}
interface Client {
  whole(): Promise<Answer>
  stream(): Promise<Answer>
}

const messages = [{ role: 'user' as const, content: 'hi' }]
const schema = { type: 'object' as const, properties: { city: { type: 'string' } } }
const functionTool = {
  type: 'function' as const,
  function: { name: tool.name, description: 'Tells the weather.', parameters: schema },
}
const parsed = (json: string): unknown => JSON.parse(json)

const clients: Readonly<Record<string, () => Client>> = {
  OpenAI() {
    const { chat } = new OpenAI({ apiKey: key, baseURL: `${bed.url}/v1`, maxRetries: 0 })
    const ask = { model: 'm', messages, tools: [functionTool] }
    const read = ({ choices }: OpenAI.ChatCompletion): Answer => {
      const { content, tool_calls: [call] = [] } = choices[0]?.message ?? {}
      const made = call?.type === 'function' ? call.function : undefined
      return { text: content ?? '', call: made && { name: made.name, args: parsed(made.arguments) } }
    }
    return {
      whole: async () => read(await chat.completions.create(ask)),
      stream: async () => read(await chat.completions.stream({ ...ask, stream: true }).finalChatCompletion()),
    }
  },
  'OpenAI’s for Responses'() {
    const { responses } = new OpenAI({ apiKey: key, baseURL: `${bed.url}/v1`, maxRetries: 0 })
    const { name, description, parameters } = functionTool.function
    const tools = [{ type: 'function' as const, name, description, parameters, strict: false }]
    const ask = { model: 'm', input: 'hi', tools }
    const read = (answer: OpenAI.Responses.Response): Answer => {
      const call = answer.output.find(item => item.type === 'function_call')
      return {
        text: answer.output_text,
        call: call && { name: call.name, args: parsed(call.arguments) },
      }
    }
    return {
      whole: async () => read(await responses.create(ask)),
      async stream() {
        let text = ''
        for await (const event of await responses.create({ ...ask, stream: true })) {
          if (event.type === 'response.output_text.delta') text += event.delta
          if (event.type === 'response.completed') {
            const { call } = read({ ...event.response, output_text: text })
            return { text, call }
          }
          if (event.type === 'response.failed') throw new Error(event.response.error?.message)
        }
        throw new Error('the stream has no end')
      },
    }
  },
  Anthropic() {
    const client = new Anthropic({ apiKey: key, baseURL: bed.url, maxRetries: 0 })
    const ask = {
      model: 'm',
      max_tokens: 64,
      messages,
      tools: [{ name: tool.name, description: 'Tells the weather.', input_schema: schema }],
    }
    const read = ({ content }: Anthropic.Message): Answer => {
      const call = content.find(block => block.type === 'tool_use')
      return {
        text: content.map(block => (block.type === 'text' ? block.text : '')).join(''),
        call: call && { name: call.name, args: call.input },
      }
    }
    return {
      whole: async () => read(await client.messages.create(ask)),
      stream: async () => read(await client.messages.stream(ask).finalMessage()),
    }
  },
  Google() {
    const { models } = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: bed.url } })
    const { name, description } = functionTool.function
    const ask = {
      model: 'm',
      contents: 'hi',
      config: { tools: [{ functionDeclarations: [{ name, description, parametersJsonSchema: schema }] }] },
    }
    return {
      async whole() {
        const answer = await models.generateContent(ask)
        const [call] = answer.functionCalls ?? []
        return { text: call ? '' : (answer.text ?? ''), call: call && { name: call.name, args: call.args } }
      },
      async stream() {
        let text = ''
        let call: Answer['call']
        let finished = false
        for await (const part of await models.generateContentStream(ask)) {
          const [made] = part.functionCalls ?? []
          if (made) call = { name: made.name, args: made.args }
          else text += part.text ?? ''
          finished ||= part.candidates?.[0]?.finishReason !== undefined
        }
        if (!finished) throw new Error('the stream has no end')
        return { text, call }
      },
    }
  },
  Ollama() {
    const client = new Ollama({ host: bed.url, headers: { authorization: `Bearer ${key}` } })
    const ask = { model: 'm', messages, tools: [functionTool] }
    return {
      async whole() {
        const { message } = await client.chat(ask)
        const [call] = message.tool_calls ?? []
        return {
          text: message.content,
          call: call && { name: call.function.name, args: call.function.arguments },
        }
      },
      async stream() {
        let text = ''
        let call: Answer['call']
        for await (const { message, done } of await client.chat({ ...ask, stream: true })) {
          text += message.content
          const [made] = message.tool_calls ?? []
          if (made) call = { name: made.function.name, args: made.function.arguments }
          if (done) return { text, call }
        }
        throw new Error('the stream has no end')
      },
    }
  },
}

const upstreams = ['openai', 'responses', 'anthropic', 'gemini', 'ollama'] as const

describe.each(Object.keys(clients))('the official client of %s', who => {
  const client = () => (clients[who] as () => Client)() // a key of the record

  describe.each(upstreams)('at an upstream of %s', dialect => {
    const route = (act?: Name) => {
      settle(bed, engine, 'p', dialect, { act })
      bed.route('m', { retries: { attempts: 1 }, tiers: [{ targets: [{ provider: 'p', model }] }] })
    }

    test('gets a whole answer, a stream, thoughts that are no text, and a call', async () => {
      route()
      for (const content of ['text', 'reasoning'] as const) {
        engine.content = content
        expect(await client().whole()).toMatchObject({ text: said })
        expect(await client().stream()).toMatchObject({ text: said })
      }
      engine.content = 'tools'
      const call = { name: tool.name, args: tool.args }
      expect(await client().whole()).toEqual({ text: '', call })
      expect(await client().stream()).toEqual({ text: '', call })
    })

    test.each([
      'status 500',
      'other',
      'error as first event',
      'error in mid-stream',
      'malformed events',
    ] as const)('S7: throws where the upstream answers with %s', async act => {
      route(act)
      await expect(client().stream()).rejects.toThrow(/./)
    })

    test('S7: throws after a cut, wherever it was', async () => {
      engine.content = 'text'
      route()
      for (let count = 0; count < 4; count++) {
        const act = `cut after ${count}` as const
        engine.will(act)
        // Before the first word it is an honest status; after it an error in the stream.
        await expect(client().stream(), act).rejects.toThrow(/./)
      }
    })
  })
})
