// The page for users shows every client with only base URL and key changed: what it shows is run as it stands.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ToolServer } from '../../packages/gateway/test/mcp.bed.ts'
import { furnish, personal, snippets } from './clients.ts'
import { lendTools } from './readme.ts'
import { startYard, type Yard } from './yard.ts'

describe('A8: the JavaScript of the page about clients', () => {
  let yard: Yard
  let tools: ToolServer
  beforeAll(async () => {
    yard = await startYard()
    furnish(yard)
    tools = await ToolServer.start()
    await lendTools(yard, tools.url)
  }, 120_000)
  afterAll(async () => {
    await yard?.[Symbol.asyncDispose]()
    await tools?.[Symbol.asyncDispose]()
  }, 60_000)

  test.each(snippets('js'))('gets words: $title', async ({ title, text }) => {
    const file = join(yard.folder, `${title.replace(/\W+/g, '-')}.mjs`)
    writeFileSync(file, personal(text, yard.facts))
    expect(await execute(file)).toMatch(/\p{L}{2,}/u)
  })

  test('names every client that is tested', () => {
    const shown = snippets('js').map(({ text }) => /from '(.*)'/.exec(text)?.[1])
    expect(shown).toEqual([
      'openai',
      '@anthropic-ai/sdk',
      '@google/genai',
      'ollama',
      '@ai-sdk/openai',
      '@ai-sdk/openai-compatible',
      '@ai-sdk/anthropic',
      '@ai-sdk/google',
      '@modelcontextprotocol/sdk/client/index.js',
    ])
  })

  function execute(file: string): Promise<string> {
    return new Promise((done, reject) => {
      execFile(process.execPath, [file], { cwd: yard.folder }, (error, stdout, stderr) =>
        error ? reject(new Error(`${file}: ${stderr}`)) : done(stdout),
      )
    })
  }
})
