// The official Python client against a whole Switchyard, with only base URL and key changed.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startYard, type Yard } from '../journeys/yard.ts'
import { pythonWithOpenAI, suite } from './tools.ts'

const program = join(import.meta.dirname, 'openai_client.py')

suite("Python's openai 3.52.0", await pythonWithOpenAI(), python => {
  let yard: Yard
  beforeAll(async () => {
    yard = await startYard()
  })
  afterAll(() => yard?.[Symbol.asyncDispose]())

  test.each([
    ['gets words at the first call of a program that knows base URL and key', 'first_call'],
    ['chats', 'chat'],
    ['streams the same words as it gets whole', 'stream'],
    ['gets usage with the last chunk when it asks, and only there', 'stream_with_usage'],
    ['follows a stream by the events of its helper', 'stream_helper'],
    ['sees a request id in the headers', 'raw_response'],
    ['completes plain text, whole and streamed', 'completions'],
    ['embeds, as numbers and as base64', 'embeddings'],
    ['lists and retrieves models', 'models'],
    ['raises AuthenticationError for a wrong key', 'wrong_key'],
    ['raises NotFoundError and BadRequestError for what is wrong with a request', 'refusals'],
    ['closes a stream early and goes on', 'closed_stream'],
    ['chats and streams asynchronously', 'asynchronous'],
    ['gets twenty equal answers to twenty concurrent greedy requests', 'concurrent'],
  ])('%s', async (_, name) => {
    expect(await execute(name)).toBe('')
  })

  /** What the program complained of. */
  function execute(name: string): Promise<string> {
    const { baseUrl, apiKey, model } = yard.facts
    const env = {
      PATH: process.env.PATH,
      OPENAI_BASE_URL: `${baseUrl}/v1`,
      OPENAI_API_KEY: apiKey,
      MODEL: model,
    }
    return new Promise(done => {
      execFile(python, [program, name], { env }, (error, _, complaint) =>
        done(complaint || (error?.message ?? '')),
      )
    })
  }
})
