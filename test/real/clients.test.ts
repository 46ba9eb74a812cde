// Official Python clients of every dialect against a whole Switchyard, and what the page for users shows in Python
// and for curl, each with only base URL and key changed.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openKey, personal, type Snippet, snippets } from '../journeys/clients.ts'
import { type Example, lendNames, lendTools, programOf } from '../journeys/readme.ts'
import { eventually, freePort, startYard, type Yard } from '../journeys/yard.ts'
import { curl, pythonWithClients, suite } from './tools.ts'

/** What PyPI shows of a package. */
const readmeOf = 'import sys, importlib.metadata as m; print(m.metadata(sys.argv[1]).get_payload())'

const readmes: readonly Example[] = [
  {
    of: 'openai',
    plain: 'client.responses.create(',
    stream: 'stream=True',
    env: ({ url, key }) => ({ OPENAI_BASE_URL: `${url}/openai/v1`, OPENAI_API_KEY: key }),
  },
  {
    of: 'anthropic',
    plain: 'client.messages.create(',
    env: ({ url, key }) => ({ ANTHROPIC_BASE_URL: `${url}/anthropic`, ANTHROPIC_API_KEY: key }),
    streamed: code =>
      code
        .replace('messages.create(', 'messages.create(\n    stream=True,')
        .replace('print(message.content)', 'for event in message:\n    print(event)'),
  },
  {
    of: 'google-genai',
    plain: ['genai.Client(api_key=', 'print(response.text)'],
    stream: ['genai.Client(api_key=', 'client.models.generate_content_stream('],
    env: ({ url }) => ({ GOOGLE_GEMINI_BASE_URL: `${url}/genai` }),
    change: (code, { key }) => code.replace('GEMINI_API_KEY', key),
  },
  {
    of: 'ollama',
    plain: ': ChatResponse = chat(',
    stream: 'stream=True',
    env: ({ url, key }) => ({ OLLAMA_HOST: `${url}/ollama`, OLLAMA_API_KEY: key }),
  },
]

const mcp = {
  server: {
    of: 'mcp',
    plain: 'mcp = MCPServer("Demo")',
    change: (code, { url }) => `${code}\n\nmcp.run("streamable-http", port=${new URL(url).port})\n`,
  },
  client: {
    of: 'mcp',
    plain: 'Client("http://localhost:8000/mcp")',
    // A key is a header, which the client takes with the connection that it goes by.
    change: (code, { url, key }) =>
      code
        .replace(
          'from mcp import Client',
          'import httpx2\nfrom mcp import Client\nfrom mcp.client.streamable_http import streamable_http_client',
        )
        .replace(
          '"http://localhost:8000/mcp"',
          `streamable_http_client("${url}/mcp/demo", http_client=httpx2.AsyncClient(headers={"authorization": "Bearer ${key}"}))`,
        ),
  },
} satisfies Readonly<Record<string, Example>>

const ofMcp = ({ text }: Snippet) => text.includes('from mcp import')

let yard: Yard
beforeAll(async () => {
  yard = await startYard()
  await lendNames(yard)
})
afterAll(() => yard?.[Symbol.asyncDispose]())

suite(
  'A8: Python’s openai, anthropic, google-genai, ollama, litellm and mcp',
  await pythonWithClients(),
  python => {
    test.each([
      ['anthropic', ['chat', 'stream', 'count', 'models', 'refusals', 'asynchronous']],
      ['google', ['chat', 'stream', 'count', 'embeddings', 'models', 'refusals', 'asynchronous']],
      ['ollama', ['chat', 'stream', 'generate', 'embeddings', 'models', 'refusals', 'asynchronous']],
      ['litellm', ['chat', 'stream', 'embeddings', 'refusals', 'asynchronous']],
      ['openai_retry', ['responses']],
    ])('%s: %s', async (client, things) => {
      for (const thing of things) await execute(python, [program(client), thing], yard.facts.apiKey)
    })

    describe.each(readmes)('the README of $of', example => {
      test.each([
        ['gets words by its first example', false],
        ['gets them streamed', true],
      ])('%s', async (_, streamed) => {
        const place = { url: yard.facts.baseUrl, key: yard.facts.apiKey }
        const readme = await execute(python, ['-c', readmeOf, example.of], place.key)
        const code = programOf(example, readme, place, streamed)
        const file = join(yard.folder, 'example.py')
        writeFileSync(file, code)
        expect(await execute(python, [file], place.key, example.env?.(place))).toMatch(/\p{L}{2,}/u)
      })
    })

    describe('mcp', () => {
      let server: ChildProcess
      beforeAll(async () => {
        const port = await freePort()
        const readme = await execute(python, ['-c', readmeOf, 'mcp'], yard.facts.apiKey)
        const place = { url: `http://127.0.0.1:${port}`, key: '' }
        const code = programOf(mcp.server, readme, place, false)
        const file = join(yard.folder, 'server.py')
        writeFileSync(file, code)
        server = spawn(python, [file], { env: { PATH: process.env.PATH }, stdio: 'inherit' })
        await yard.api.create({
          kind: 'McpServer',
          metadata: { workspace: 'default', name: 'narrow' },
          spec: { urls: [`${place.url}/mcp`], allowCidrs: ['127.0.0.0/8'], tools: ['another'] },
        })
        await lendTools(yard, `${place.url}/mcp`)
        await eventually('the server of tools to answer', 20, () =>
          fetch(place.url).then(
            () => true,
            () => undefined,
          ),
        )
      })
      afterAll(async () => {
        if (!server.pid) return
        const gone = once(server, 'exit')
        server.kill()
        await gone
      })

      test.each(['tools', 'resources', 'wrong_arguments', 'hidden', 'concurrent', 'refusals'])(
        '%s',
        async thing => {
          await execute(python, [program('mcp'), thing], yard.facts.apiKey)
        },
      )

      test('A8: the README’s client calls the tool of the README’s server', async () => {
        const readme = await execute(python, ['-c', readmeOf, 'mcp'], yard.facts.apiKey)
        const file = join(yard.folder, 'example.py')
        const place = { url: yard.facts.baseUrl, key: yard.facts.apiKey }
        writeFileSync(file, programOf(mcp.client, readme, place, false))
        expect(await execute(python, [file], place.key)).toBe("{'result': 3}\n")
      })

      test('the Python of the page calls it too', async () => {
        const { text } = snippets('python').find(ofMcp) ?? { text: '' }
        const file = join(yard.folder, 'example.py')
        writeFileSync(file, personal(text, yard.facts))
        expect(await execute(python, [file], yard.facts.apiKey)).toMatch(/^\['add'\]\n.*text='3'/)
      })
    })

    test.each(snippets('python').filter(snippet => !ofMcp(snippet)))(
      'the Python of the page gets words: $title',
      async ({ text }) => {
        const file = join(yard.folder, 'example.py')
        writeFileSync(file, personal(text, yard.facts))
        expect(await execute(python, [file], yard.facts.apiKey)).toMatch(/\p{L}{2,}/u)
      },
    )

    test.each(['openai_retry', 'anthropic'])('A9: %s waits as long as retry-after-ms says', async client => {
      const key = await openKey(yard, `${client.replace('_', '-')}-waits`, {
        requests: { perMinute: 24, burst: 1 },
      })
      expect(await execute(python, [program(client), 'waits'], key)).toMatch(/told \d+ ms, waited \d+ ms/)
    })

    test.each(['openai_retry', 'anthropic'])(
      'A9: %s gives up where x-should-retry is false',
      async client => {
        const key = await openKey(yard, `${client.replace('_', '-')}-small`, { tokens: { perMinute: 4 } })
        await execute(python, [program(client), 'gives_up'], key)
      },
    )
  },
)

suite('A8: the curl of the page about clients', curl(), () => {
  test.each(snippets('sh'))('gets words: $title', async ({ text }) => {
    const answer = await execute('sh', ['-c', `set -e\n${personal(text, yard.facts)}`], yard.facts.apiKey)
    expect(answer).toMatch(/Hello! \p{L}{2,}|"(content|text|response)": ?"\p{L}/u)
    expect(answer).not.toContain('"error"')
  })
})

const program = (client: string) => join(import.meta.dirname, `client_${client}.py`)

/** What a program printed; fails with what it complained of. */
function execute(
  path: string,
  argv: readonly string[],
  key: string,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { baseUrl, model } = yard.facts
  const env = {
    PATH: process.env.PATH,
    BASE_URL: baseUrl,
    API_KEY: key,
    MODEL: model,
    OPENAI_BASE_URL: `${baseUrl}/openai/v1`,
    OPENAI_API_KEY: key,
    ANTHROPIC_BASE_URL: `${baseUrl}/anthropic`,
    ANTHROPIC_API_KEY: key,
    // Else it fetches a list of prices when it is imported.
    LITELLM_LOCAL_MODEL_COST_MAP: 'True',
    PYTHONDONTWRITEBYTECODE: '1',
    ...more,
  }
  return new Promise((done, reject) => {
    execFile(path, argv, { env }, (error, stdout, stderr) =>
      error ? reject(new Error(`${argv.join(' ')}: ${stderr}`)) : done(stdout),
    )
  })
}
