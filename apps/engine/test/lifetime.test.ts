// How the child begins and ends, as the one who starts it sees it.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { endless, listening, modelFile, run, start, until } from './child.ts'

const file = modelFile({ context: 8192 })
afterAll(() => file[Symbol.dispose]())
const hello = [{ role: 'user' as const, content: 'Hello' }]

describe('the beginning', () => {
  test('it answers "Loading model" until the model is there', async () => {
    await using engine = await listening(['--model', file.path])
    const early = await fetch(`${engine.url}/health`)
    expect(early.status).toBe(503)
    expect(await early.json()).toMatchObject({
      error: { message: 'Loading model', type: 'unavailable_error', code: 503 },
    })
    const chat = await engine.post('/v1/chat/completions', { messages: hello, max_tokens: 1 })
    expect(chat.status).toBe(503)
    await until(async () => (await fetch(`${engine.url}/health`)).ok)
    expect((await engine.post('/v1/chat/completions', { messages: hello, max_tokens: 1 })).status).toBe(200)
  })

  test('a bad argument is exit 2 and one sentence', async () => {
    const { code, stderr } = await run(['--model', file.path, '--gpu-layers', '99']).exit
    expect(code).toBe(2)
    expect(stderr).toMatch(/^error: unknown argument "--gpu-layers"; known are .*\n$/)
  })

  test('a context that is too small for its slots is exit 2 and one sentence', async () => {
    const { code, stderr } = await run(['--model', file.path, '--port', '0', '-c', '100', '-np', '64']).exit
    expect(code).toBe(2)
    expect(stderr).toBe(
      'error: --ctx-size 100 shared by --parallel 64 leaves 1 tokens for each; 32 are the least\n',
    )
  })

  const broken = (name: string, bytes: Uint8Array) => {
    const path = join(file.folder, name)
    writeFileSync(path, bytes)
    return path
  }
  const good = readFileSync(file.path)
  test.each([
    ['is not there', '/nowhere/x.gguf', /no such file/],
    ['is a folder', file.folder, /it is a folder/],
    ['is no GGUF', broken('text.gguf', Buffer.from('hello')), /not a GGUF file/],
    ['is cut off in its header', broken('header.gguf', good.subarray(0, 1000)), /damaged/],
    ['is cut off in its weights', broken('cut.gguf', good.subarray(0, good.length - 5000)), /damaged/],
    ['is nothing but a beginning', broken('four.gguf', Buffer.from('GGUF')), /damaged/],
  ])('a model that %s is exit 3 and one sentence that names it', async (_name, path, cause) => {
    const { code, stderr } = await run(['--model', path, '--port', '0']).exit
    expect(stderr).toMatch(cause)
    expect(stderr).toContain(`error: failed to load model ${JSON.stringify(path)}: `)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(code).toBe(3)
  })

  test('metrics, slots, embeddings and grammars are said to be off when they are', async () => {
    await using engine = await start(['--model', file.path, '--no-slots', '--no-embeddings'])
    expect((await fetch(`${engine.url}/metrics`)).status).toBe(501)
    expect((await fetch(`${engine.url}/slots`)).status).toBe(501)
    expect((await engine.post('/v1/embeddings', { input: 'x' })).status).toBe(501)
    const refused = await engine.post('/v1/completions', { prompt: 'x', grammar: endless })
    expect(await refused.json()).toMatchObject({ error: { param: 'grammar', code: 'unsupported_parameter' } })
  })
})

describe('the end', () => {
  const busy = async (grace: number) => {
    const engine = await start(['--model', file.path, '--metrics', '--grammars', '--grace', String(grace)])
    const response = await engine.post('/v1/completions', {
      prompt: 'x',
      max_tokens: 1500,
      grammar: endless,
      stream: true,
    })
    return { engine, response }
  }

  test('SIGTERM lets a running answer end, takes no more, and exits 0', async () => {
    const { engine, response } = await busy(30)
    await using _ = engine
    const waiting = engine.post('/v1/completions', { prompt: 'x', max_tokens: 2 })
    await until(async () => (await engine.metric('requests_deferred')) === 1)
    engine.process.kill('SIGTERM')
    expect((await waiting).status).toBe(503)
    const text = await response.text()
    expect(text).toContain('"finish_reason":"length"')
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    expect(await engine.exit).toEqual({ code: 0, stderr: '' })
  })

  test('an answer that outlasts the grace ends with an error, and still exit 0', async () => {
    const { engine, response } = await busy(0)
    await using _ = engine
    engine.process.kill('SIGTERM')
    const text = await response.text()
    expect(text).toContain('"error":{"message":"The engine is stopping."')
    expect(text).not.toContain('[DONE]')
    expect((await engine.exit).code).toBe(0)
  })

  test('SIGTERM while the model loads is exit 0', async () => {
    await using engine = await listening(['--model', file.path])
    engine.process.kill('SIGTERM')
    expect((await engine.exit).code).toBe(0)
  })
})
