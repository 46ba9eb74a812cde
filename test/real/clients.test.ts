// Official Python clients of every dialect against a whole Switchyard, and what the page for users shows in Python
// and for curl, each with only base URL and key changed.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openKey, personal, snippets } from '../journeys/clients.ts'
import { startYard, type Yard } from '../journeys/yard.ts'
import { curl, pythonWithClients, suite } from './tools.ts'

let yard: Yard
beforeAll(async () => {
  yard = await startYard()
})
afterAll(() => yard?.[Symbol.asyncDispose]())

suite('A8: Python’s anthropic, google-genai, ollama and litellm', await pythonWithClients(), python => {
  test.each([
    ['anthropic', ['chat', 'stream', 'count', 'models', 'refusals', 'asynchronous']],
    ['google', ['chat', 'stream', 'count', 'embeddings', 'models', 'refusals', 'asynchronous']],
    ['ollama', ['chat', 'stream', 'generate', 'embeddings', 'models', 'refusals', 'asynchronous']],
    ['litellm', ['chat', 'stream', 'embeddings', 'refusals', 'asynchronous']],
    ['openai_retry', ['responses']],
  ])('%s: %s', async (client, things) => {
    for (const thing of things) await execute(python, [program(client), thing], yard.facts.apiKey)
  })

  test.each(snippets('python'))('the Python of the page gets words: $title', async ({ text }) => {
    const file = join(yard.folder, 'example.py')
    writeFileSync(file, personal(text, yard.facts))
    expect(await execute(python, [file], yard.facts.apiKey)).toMatch(/\p{L}{2,}/u)
  })

  test.each(['openai_retry', 'anthropic'])('A9: %s waits as long as retry-after-ms says', async client => {
    const key = await openKey(yard, `${client.replace('_', '-')}-waits`, {
      requests: { perMinute: 24, burst: 1 },
    })
    expect(await execute(python, [program(client), 'waits'], key)).toMatch(/told \d+ ms, waited \d+ ms/)
  })

  test.each(['openai_retry', 'anthropic'])('A9: %s gives up where x-should-retry is false', async client => {
    const key = await openKey(yard, `${client.replace('_', '-')}-small`, { tokens: { perMinute: 4 } })
    await execute(python, [program(client), 'gives_up'], key)
  })
})

suite('A8: the curl of the page about clients', curl(), () => {
  test.each(snippets('sh'))('gets words: $title', async ({ text }) => {
    const answer = await execute('sh', ['-c', `set -e\n${personal(text, yard.facts)}`], yard.facts.apiKey)
    expect(answer).toMatch(/Hello! \p{L}{2,}|"(content|text|response)": ?"\p{L}/u)
    expect(answer).not.toContain('"error"')
  })
})

const program = (client: string) => join(import.meta.dirname, `client_${client}.py`)

/** What a program printed; fails with what it complained of. */
function execute(path: string, argv: readonly string[], key: string): Promise<string> {
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
  }
  return new Promise((done, reject) => {
    execFile(path, argv, { env }, (error, stdout, stderr) =>
      error ? reject(new Error(`${argv.join(' ')}: ${stderr}`)) : done(stdout),
    )
  })
}
