// Talking to a gateway whose answers are written here, in OpenAI's dialect.

import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Circumstances, cli, folder } from './harness.ts'

interface Said {
  readonly key: string | undefined
  readonly body: { readonly model: string; readonly stream?: boolean; readonly messages: readonly object[] }
}

let said: Said[] = []
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Said['body'] // what our own client sent
    said.push({ key: request.headers.authorization, body })
    if (body.model === 'missing') {
      response.writeHead(404, { 'content-type': 'application/json' })
      response.end(
        JSON.stringify({ error: { message: 'There is no model missing.', code: 'model_not_found' } }),
      )
    } else if (body.stream) {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const content of ['Hel', 'lo \u001b[31m', `${body.messages.length}`])
        response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`)
      response.end('data: [DONE]\n\n')
    } else {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ choices: [{ message: { content: 'Hello' } }] }))
    }
  })
})

let env: Record<string, string>
beforeAll(async () => {
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  env = { SWITCHYARD_URL: `http://127.0.0.1:${address.port}`, SWITCHYARD_API_KEY: 'sk-env' }
})
afterAll(() => void server.close())
beforeEach(() => {
  said = []
})

const chat = (argv: readonly string[], given: Circumstances = {}) => cli(['chat', ...argv], { env, ...given })
const messages = () => said.map(({ body }) => body.messages)

describe('chat', () => {
  test('says the words, and prints the answer as it came', async () => {
    const { status, stdout, stderr } = await chat(['m', 'How', 'are', 'you?'])
    expect([status, stdout, stderr]).toEqual([0, 'Hello \u001b[31m1\n', ''])
    expect(said[0]).toEqual({
      key: 'Bearer sk-env',
      body: { model: 'm', stream: true, messages: [{ role: 'user', content: 'How are you?' }] },
    })
  })

  test('reads what is piped in, after a file and under instructions', async () => {
    const cwd = folder()
    writeFileSync(join(cwd, 'notes.txt'), 'The notes.')
    await chat(['m', '--file', 'notes.txt', '--system', 'Be brief.', '--key', 'sk-flag'], {
      cwd,
      stdin: 'Sum up.\n',
    })
    expect(said[0]?.key).toBe('Bearer sk-flag')
    expect(messages()[0]).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'The notes.\n\nSum up.' },
    ])
  })

  test('prints the whole answer as JSON', async () => {
    const { stdout } = await chat(['m', 'Hi', '--json'])
    expect(JSON.parse(stdout)).toEqual({ choices: [{ message: { content: 'Hello' } }] })
  })

  test('at a terminal is a conversation that remembers, and a model can’t steer the terminal', async () => {
    const { status, stdout } = await chat(['m'], { tty: true, stdin: 'First\n\nSecond\n/exit\nnever\n' })
    expect(status).toBe(0)
    expect(stdout).toBe('Hello \ufffd[31m1\nHello \ufffd[31m3\n')
    expect(messages()[1]).toMatchObject([
      { role: 'user', content: 'First' },
      { role: 'assistant', content: 'Hello \u001b[31m1' },
      { role: 'user', content: 'Second' },
    ])
  })

  test('goes on after a failed turn as if it had not been said', async () => {
    const { status, stderr } = await chat(['missing'], { tty: true, stdin: 'One\nTwo\n' })
    expect(status).toBe(0)
    expect(stderr.match(/There is no model missing/g)).toHaveLength(2)
    expect(messages()[1]).toEqual([{ role: 'user', content: 'Two' }])
  })

  test.each([
    [['missing', 'Hi'], {}, 5, 'There is no model missing.'],
    [['m'], { stdin: '' }, 2, 'There is no message'],
    [['m', 'Hi', '--file', 'nowhere.txt'], {}, 2, 'Cannot read nowhere.txt'],
    [[], { stdin: 'Hi' }, 2, 'Name a model'],
  ])('%j exits with its class of error and a sentence', async (argv, given, code, sentence) => {
    const { status, stdout, stderr } = await chat(argv, given)
    expect([status, stdout]).toEqual([code, ''])
    expect(stderr).toContain(sentence)
  })

  test('without a key says where one comes from', async () => {
    const { status, stderr } = await chat(['m', 'Hi'], { env: { SWITCHYARD_URL: env.SWITCHYARD_URL } })
    expect(status).toBe(3)
    expect(stderr).toContain('switchyard keys create')
  })
})
