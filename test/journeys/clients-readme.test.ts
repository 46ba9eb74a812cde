// Each official client as a new user tries it: the first example of its own README, and its first one that streams, with
// base URL and key changed and nothing else. A route bears the vendors' names of models.
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { furnish, repository } from './clients.ts'
import { type Example, lendNames, programOf } from './readme.ts'
import { startYard, type Yard } from './yard.ts'

const told = (code: string) => `${code}\nconsole.log(text)\n`

/** The AI SDK's examples print nothing, and stream none. */
const aiStreamed = (code: string) =>
  `${code
    .replace("import { generateText } from 'ai'", "import { streamText } from 'ai'")
    .replace('const { text } = await generateText(', 'const { textStream } = streamText(')}
for await (const part of textStream) console.log(part)
`

const examples: readonly Example[] = [
  {
    of: 'openai',
    plain: 'client.responses.create(',
    stream: 'stream: true',
    env: ({ url, key }) => ({ OPENAI_BASE_URL: `${url}/openai/v1`, OPENAI_API_KEY: key }),
  },
  {
    of: '@anthropic-ai/sdk',
    plain: 'client.messages.create(',
    env: ({ url, key }) => ({ ANTHROPIC_BASE_URL: `${url}/anthropic`, ANTHROPIC_API_KEY: key }),
    streamed: code =>
      code
        .replace('messages.create({', 'messages.create({\n  stream: true,')
        .replace('console.log(message.content)', 'for await (const event of message) console.log(event)'),
  },
  {
    of: '@google/genai',
    plain: 'models.generateContent(',
    stream: 'models.generateContentStream(',
    env: ({ url, key }) => ({ GOOGLE_GEMINI_BASE_URL: `${url}/genai`, GEMINI_API_KEY: key }),
  },
  {
    of: 'ollama',
    plain: 'ollama.chat(',
    stream: 'stream: true',
    // Its ready-made client has an address of its own, and no key.
    change: (code, { url, key }) =>
      code.replace(
        "import ollama from 'ollama'",
        `import { Ollama } from 'ollama'
const ollama = new Ollama({ host: '${url}/ollama', headers: { authorization: 'Bearer ${key}' } })`,
      ),
  },
  {
    of: 'ai',
    streamed: aiStreamed,
    plain: "import { generateText } from 'ai'",
    // A name of a model alone means the default provider, which is Vercel's gateway unless a program says otherwise.
    change: (code, { url, key }) => `import { createOpenAI } from '@ai-sdk/openai'
globalThis.AI_SDK_DEFAULT_PROVIDER = createOpenAI({ baseURL: '${url}/openai/v1', apiKey: '${key}' })
${code}`,
  },
  {
    of: '@ai-sdk/openai',
    streamed: aiStreamed,
    plain: 'generateText(',
    env: ({ url, key }) => ({ OPENAI_BASE_URL: `${url}/openai/v1`, OPENAI_API_KEY: key }),
  },
  {
    of: '@ai-sdk/anthropic',
    streamed: aiStreamed,
    plain: 'generateText(',
    env: ({ url, key }) => ({ ANTHROPIC_BASE_URL: `${url}/anthropic/v1`, ANTHROPIC_API_KEY: key }),
  },
  {
    of: '@ai-sdk/google',
    streamed: aiStreamed,
    plain: 'generateText(',
    change: (code, { url, key }) =>
      code.replace(
        "import { google } from '@ai-sdk/google'",
        `import { createGoogle } from '@ai-sdk/google'
const google = createGoogle({ baseURL: '${url}/genai/v1beta', apiKey: '${key}' })`,
      ),
  },
  {
    of: '@ai-sdk/openai-compatible',
    streamed: aiStreamed,
    plain: 'generateText(',
    change: (code, { url, key }) =>
      code
        .replace('https://api.example.com/v1', `${url}/openai/v1`)
        .replace('process.env.MY_API_KEY', `'${key}'`),
  },
]

let yard: Yard
beforeAll(async () => {
  yard = await startYard()
  furnish(yard)
  await lendNames(yard)
}, 120_000)
afterAll(() => yard?.[Symbol.asyncDispose](), 60_000)

describe.each(examples)('A8: the README of $of', ({ of, ...example }) => {
  const readme = readFileSync(join(repository, 'node_modules', of, 'README.md'), 'utf8')

  test.each([
    ['gets words by its first example', false],
    ['gets them streamed', true],
  ])('%s', async (_, streamed) => {
    const place = { url: yard.facts.baseUrl, key: yard.facts.apiKey }
    const code = programOf({ of, ...example }, readme, place, streamed)
    const silent = of.includes('ai-sdk') || of === 'ai'
    const answer = await execute(silent && !streamed ? told(code) : code, example.env?.(place))
    expect(answer).toMatch(/\p{L}{2,}/u)
  })

  function execute(code: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
    const file = join(yard.folder, 'example.mjs')
    writeFileSync(file, code)
    const env = { PATH: process.env.PATH, ...more }
    return new Promise((done, reject) => {
      execFile(process.execPath, [file], { cwd: yard.folder, env }, (error, stdout, stderr) =>
        error ? reject(new Error(`${code}\n${stderr}`)) : done(stdout),
      )
    })
  }
})
