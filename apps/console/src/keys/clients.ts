// How each official client calls this server: what stands in docs/clients.md, with this server's address and a model.
import type { ChatBody } from '../api/gateway.ts'

/** What a program needs to know. */
export interface Calling {
  /** Of the server, without a path. */
  readonly address: string
  readonly key: string
  readonly model: string
}

export interface Client {
  readonly id: string
  readonly label: string
  readonly group: 'curl' | 'python' | 'typescript'
  readonly code: (calling: Calling) => string
}

/** Stands where the secret of a key is not known. */
export const noKey = 'sk-sy-…'

const say = 'Hello!'

/** Between single quotes of a shell. */
const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`

const hello = (model: string): ChatBody => ({ model, messages: [{ role: 'user', content: say }] })

/** A literal of Python. */
function python(value: unknown, indent = ''): string {
  if (value === null || value === undefined) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (typeof value !== 'object') return JSON.stringify(value)
  const inner = `${indent}    `
  const [open, close, items] = Array.isArray(value)
    ? ['[', ']', value.map(one => python(one, inner))]
    : ['{', '}', Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${python(one, inner)}`)]
  const line = `${open}${items.join(', ')}${close}`
  if (line.length <= 80 && !line.includes('\n')) return line
  return `${open}\n${items.map(item => `${inner}${item},\n`).join('')}${indent}${close}`
}

export const curlOf = ({ address, key }: Omit<Calling, 'model'>, body: ChatBody): string =>
  `curl ${address}/openai/v1/chat/completions \\
  -H 'authorization: Bearer ${key}' \\
  -H 'content-type: application/json' \\
  -d ${quoted(JSON.stringify(body))}`

export function openaiPython({ address, key }: Omit<Calling, 'model'>, body: ChatBody): string {
  const { stream_options: _, ...rest } = body
  const given = Object.entries(rest).map(([name, value]) => `    ${name}=${python(value, '    ')},\n`)
  const print = body.stream
    ? `for chunk in completion:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)`
    : 'print(completion.choices[0].message.content)'
  return `from openai import OpenAI

client = OpenAI(base_url="${address}/openai/v1", api_key="${key}")
completion = client.chat.completions.create(
${given.join('')})
${print}`
}

export function openaiTypescript({ address, key }: Omit<Calling, 'model'>, body: ChatBody): string {
  const { stream_options: _, ...rest } = body
  const print = body.stream
    ? `for await (const chunk of completion)
  process.stdout.write(chunk.choices[0]?.delta.content ?? '')`
    : 'console.log(completion.choices[0].message.content)'
  return `import OpenAI from 'openai'

const client = new OpenAI({ baseURL: '${address}/openai/v1', apiKey: '${key}' })
const completion = await client.chat.completions.create(${JSON.stringify(rest, null, 2)})
${print}`
}

export const clients: readonly Client[] = [
  {
    id: 'curl',
    label: 'curl',
    group: 'curl',
    code: ({ model, ...where }) => curlOf(where, hello(model)),
  },
  {
    id: 'curl-anthropic',
    label: 'curl, Anthropic',
    group: 'curl',
    code: ({ address, key, model }) => `curl ${address}/anthropic/v1/messages \\
  -H 'x-api-key: ${key}' \\
  -H 'anthropic-version: 2023-06-01' -H 'content-type: application/json' \\
  -d ${quoted(JSON.stringify({ model, max_tokens: 256, messages: [{ role: 'user', content: say }] }))}`,
  },
  {
    id: 'python-openai',
    label: 'openai',
    group: 'python',
    code: ({ model, ...where }) => openaiPython(where, hello(model)),
  },
  {
    id: 'python-anthropic',
    label: 'anthropic',
    group: 'python',
    code: ({ address, key, model }) => `from anthropic import Anthropic

client = Anthropic(base_url="${address}/anthropic", api_key="${key}")
message = client.messages.create(
    model="${model}",
    max_tokens=256,
    messages=[{"role": "user", "content": "${say}"}],
)
print(message.content[0].text)`,
  },
  {
    id: 'python-google-genai',
    label: 'google-genai',
    group: 'python',
    code: ({ address, key, model }) => `from google import genai

client = genai.Client(api_key="${key}", http_options={"base_url": "${address}/genai"})
response = client.models.generate_content(model="${model}", contents="${say}")
print(response.text)`,
  },
  {
    id: 'python-ollama',
    label: 'ollama',
    group: 'python',
    code: ({ address, key, model }) => `from ollama import Client

client = Client(host="${address}/ollama", headers={"authorization": "Bearer ${key}"})
response = client.chat(model="${model}", messages=[{"role": "user", "content": "${say}"}])
print(response.message.content)`,
  },
  {
    id: 'typescript-openai',
    label: 'openai',
    group: 'typescript',
    code: ({ model, ...where }) => openaiTypescript(where, hello(model)),
  },
  {
    id: 'typescript-anthropic',
    label: '@anthropic-ai/sdk',
    group: 'typescript',
    code: ({ address, key, model }) => `import Anthropic from '@anthropic-ai/sdk'

const client = new Anthropic({ baseURL: '${address}/anthropic', apiKey: '${key}' })
const message = await client.messages.create({
  model: '${model}',
  max_tokens: 256,
  messages: [{ role: 'user', content: '${say}' }],
})
console.log(message.content[0].text)`,
  },
  {
    id: 'typescript-google-genai',
    label: '@google/genai',
    group: 'typescript',
    code: ({ address, key, model }) => `import { GoogleGenAI } from '@google/genai'

const ai = new GoogleGenAI({ apiKey: '${key}', httpOptions: { baseUrl: '${address}/genai' } })
const response = await ai.models.generateContent({ model: '${model}', contents: '${say}' })
console.log(response.text)`,
  },
  {
    id: 'typescript-ollama',
    label: 'ollama',
    group: 'typescript',
    code: ({ address, key, model }) => `import { Ollama } from 'ollama'

const ollama = new Ollama({ host: '${address}/ollama', headers: { authorization: 'Bearer ${key}' } })
const response = await ollama.chat({ model: '${model}', messages: [{ role: 'user', content: '${say}' }] })
console.log(response.message.content)`,
  },
]
