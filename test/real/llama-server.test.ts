// A llama-server that llama.cpp's authors wrote, run by the same record as the built-in engine.
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { engines as catalog } from '@switchyard/catalog'
import type { DocumentOf, endpoint, replica } from '@switchyard/kinds'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engines, eventually, startYard, type Yard } from '../journeys/yard.ts'
import { llamaServer, run, suite } from './tools.ts'

const gguf = resolve(import.meta.dirname, '../../models/tiny/switchyard-tiny.gguf')
const hello = [{ role: 'user' as const, content: 'Hello!' }]
const words = /\p{L}{2,}/u
const workspace = 'default'
const record = catalog.find(({ name }) => name === 'llama-cpp')

suite('llama-server', await llamaServer(), binary => {
  let yard: Yard
  beforeAll(async () => {
    console.warn(`llama-server is ${binary}`)
    yard = await startYard({ env: { SWITCHYARD_LLAMA_SERVER: binary } })
  })
  afterAll(() => yard?.[Symbol.asyncDispose]())

  const ask = (model = yard.facts.model) =>
    yard.openai().chat.completions.create({ model, messages: hello, temperature: 0 })
  const addressOf = async (name: string) => {
    const { items } = await yard.api.list('Replica', {
      workspace,
      fieldSelector: `spec.endpoint=${name}`,
    })
    const [found] = items as DocumentOf<typeof replica>[] // asked for by kind
    return found?.status.address ?? ''
  }
  const metrics = async (address: string): Promise<ReadonlyMap<string, number>> => {
    const reply = await fetch(`http://${address}/metrics`)
    const lines = (await reply.text()).split('\n').filter(line => line.startsWith('llamacpp:'))
    return new Map(lines.map(line => [line.split(' ')[0] ?? '', Number(line.split(' ')[1])]))
  }

  test('is what the quickstart endpoint runs on when it is configured', async () => {
    const pids = engines(yard)
    expect(pids).toHaveLength(1)
    expect(readFileSync(`/proc/${pids[0]}/cmdline`, 'utf8').split('\0')[0]).toBe(binary)
    expect((await ask()).choices[0]?.message.content).toMatch(words)
  })

  test('streams what it answers whole, with usage when that is asked for', async () => {
    const whole = await ask()
    const stream = await yard.openai().chat.completions.create({
      model: yard.facts.model,
      messages: hello,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    const usages = []
    for await (const { choices, usage, model } of stream) {
      expect(model).toBe(yard.facts.model)
      text += choices[0]?.delta.content ?? ''
      if (usage) usages.push(usage)
    }
    expect(text).toBe(whole.choices[0]?.message.content)
    expect(usages).toHaveLength(1)
    expect(usages[0]?.completion_tokens).toBe(whole.usage?.completion_tokens)
    expect(usages[0]?.prompt_tokens).toBe(whole.usage?.prompt_tokens)
  })

  test('meters what the client was told, also of a stream that did not ask for usage', async () => {
    const key = (
      await yard.run('keys', 'create', 'meter', '--owner', 'serviceaccount/quickstart')
    ).stdout.trim()
    const client = yard.openai(key)
    await eventually('the key', 2, () => client.models.list().catch(() => undefined))
    const { usage } = await client.chat.completions.create({
      model: yard.facts.model,
      messages: hello,
      temperature: 0,
    })
    const stream = await client.chat.completions.create({
      model: yard.facts.model,
      messages: hello,
      temperature: 0,
      stream: true,
    })
    for await (const chunk of stream) expect(chunk.usage ?? null).toBeNull()
    const row = await eventually('two requests to be counted', 5, async () => {
      const { items } = JSON.parse((await yard.run('usage', '--by', 'key', '-o', 'json')).stdout) as {
        items: { group: { key: string }; requests: string; tokens: { input: string; output: string } }[]
      } // shape of GET /api/v1/usage
      return items.find(({ group, requests }) => group.key === 'meter' && requests === '2')
    })
    expect(row.tokens).toEqual({
      input: String(2 * (usage?.prompt_tokens ?? 0)),
      output: String(2 * (usage?.completion_tokens ?? 0)),
    })
  })

  test('a caller who goes away frees the slot at once', async () => {
    const abort = new AbortController()
    const long = { model: yard.facts.model, prompt: 'The train', max_tokens: 1500, ignore_eos: true }
    const address = await addressOf(yard.facts.model)
    const now = async (name: string) => (await metrics(address)).get(`llamacpp:${name}`) ?? Number.NaN
    const before = await now('tokens_predicted_total')
    const stream = await yard.openai().completions.create({ ...long, stream: true }, { signal: abort.signal })
    let chunks = 0
    for await (const _ of stream) if (++chunks === 3) break
    abort.abort()
    const left = performance.now()
    await eventually('no request under way', 2, async () =>
      (await now('requests_processing')) === 0 ? true : undefined,
    )
    const made = (await now('tokens_predicted_total')) - before
    console.warn(`freed after ${(performance.now() - left).toFixed(0)} ms, ${made} of 1500 tokens made`)
    expect(made).toBeLessThan(750)
  })

  test('more callers than slots all get words', async () => {
    const replies = await Promise.all(Array.from({ length: 12 }, () => ask()))
    expect(new Set(replies.map(({ choices }) => choices[0]?.message.content)).size).toBe(1)
  })

  test('its metrics have the names that the record reads', async () => {
    const found = await metrics(await addressOf(yard.facts.model))
    const missing = record?.spec.signals?.filter(({ metric }) => !found.has(metric)) ?? []
    // Gone from llama-server; the built-in engine and older ones have it. Nothing but a number to look at depends on it.
    expect(missing.map(({ metric }) => metric)).toEqual(['llamacpp:kv_cache_usage_ratio'])
  })

  test('embeddings are refused in words when it serves chats', async () => {
    const refused = await yard
      .openai()
      .embeddings.create({ model: yard.facts.model, input: 'one' })
      .catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(OpenAI.BadRequestError)
    expect(refused).toMatchObject({ code: 'unsupported_by_model' })
  })

  test('an endpoint of its own embeds when the argument asks for it', async () => {
    await yard.api.create({
      kind: 'Endpoint',
      metadata: { workspace, name: 'embed' },
      spec: { model: { name: yard.facts.model }, arguments: { embeddings: true, pooling: 'mean' } },
    })
    const ready = await yard.run('wait', 'endpoint', 'embed', '--for', 'condition=Ready', '--timeout', '60s')
    expect(ready.code, ready.stderr).toBe(0)
    const reply = await eventually('vectors', 5, () =>
      yard
        .openai()
        .embeddings.create({ model: 'embed', input: ['one', 'two'] })
        .catch(() => undefined),
    )
    expect(reply.data).toHaveLength(2)
    expect(Math.hypot(...(reply.data[0]?.embedding ?? []))).toBeCloseTo(1, 3)
    await yard.run('delete', 'endpoint', 'embed', '--yes', '--wait', '--timeout', '60s')
  })

  test('pauses and resumes', async () => {
    const { model } = yard.facts
    await yard.api.patch('Endpoint', { workspace, name: model }, { spec: { paused: true } })
    expect(
      (await yard.run('wait', 'endpoint', model, '--for', 'phase=Paused', '--timeout', '30s')).code,
    ).toBe(0)
    expect(await ask().catch((error: unknown) => error)).toMatchObject({ code: 'endpoint_paused' })
    await eventually('no engine', 10, () => (engines(yard).length === 0 ? true : undefined))
    await yard.api.patch('Endpoint', { workspace, name: model }, { spec: { paused: false } })
    expect(
      (await yard.run('wait', 'endpoint', model, '--for', 'condition=Ready', '--timeout', '60s')).code,
    ).toBe(0)
    await eventually('words again', 5, () => ask().catch(() => undefined))
  })

  test('kill -9: it is replaced', async () => {
    const [killed = Number.NaN] = engines(yard)
    process.kill(killed, 'SIGKILL')
    const began = performance.now()
    await eventually('another one to answer', 60, () => ask().catch(() => undefined))
    console.warn(`answered ${((performance.now() - began) / 1000).toFixed(1)} s after kill -9`)
    expect(engines(yard)).toHaveLength(1)
    expect(engines(yard)).not.toContain(killed)
  })

  test('kill -9 of the server: it goes on and is adopted', async () => {
    const before = engines(yard)
    process.kill(yard.serverPid(), 'SIGKILL')
    const again = await yard.up()
    expect(again.code, again.stderr).toBe(0)
    expect(engines(yard)).toEqual(before)
    expect((await ask()).choices[0]?.message.content).toMatch(words)
  })

  test('a flag that it does not know fails the endpoint with the flag in the message', async () => {
    await yard.api.create({
      kind: 'Endpoint',
      metadata: { workspace, name: 'flags' },
      spec: { model: { name: yard.facts.model }, arguments: { mlock: true } },
    })
    const failed = await eventually('the failure to be told', 60, async () => {
      const found = (await yard.api.get('Endpoint', { workspace, name: 'flags' })) as DocumentOf<
        typeof endpoint
      > // asked for by kind
      return found.status.conditions?.find(({ type, status }) => type === 'Progressing' && status === 'False')
    })
    expect(failed.reason).toBe('BadArguments')
    expect(failed.message).toContain('--mlock')
    await yard.run('delete', 'endpoint', 'flags', '--yes', '--wait', '--timeout', '60s')
  })

  describe('beside the built-in engine on the same file', () => {
    beforeAll(async () => {
      await yard.api.create({
        kind: 'Endpoint',
        metadata: { workspace, name: 'builtin' },
        spec: {
          model: { name: yard.facts.model },
          engine: { name: 'platform/llama-cpp', version: 'builtin' },
        },
      })
      const ready = await yard.run(
        'wait',
        'endpoint',
        'builtin',
        '--for',
        'condition=Ready',
        '--timeout',
        '60s',
      )
      expect(ready.code, ready.stderr).toBe(0)
      await eventually('words of it', 5, () => ask('builtin').catch(() => undefined))
    })

    test.each([
      [[{ role: 'user', content: 'Hello!' }]],
      [[{ role: 'user', content: 'What is a switchyard?' }]],
      [[{ role: 'user', content: 'Count to ten.' }]],
      [[{ role: 'user', content: 'Grüße! 你好 🚂 {{ x }} </s>' }]],
      [
        [
          { role: 'system', content: 'You are terse.' },
          { role: 'user', content: 'Who are you?' },
          { role: 'assistant', content: 'I am a small model.' },
          { role: 'user', content: 'What can you do?' },
        ],
      ],
    ] as [OpenAI.ChatCompletionMessageParam[]][])(
      'greedy answers to %j are the same text and tokens',
      async messages => {
        const [ours, theirs] = await Promise.all(
          ['builtin', yard.facts.model].map(model =>
            yard.openai().chat.completions.create({ model, messages, temperature: 0, max_tokens: 64 }),
          ),
        )
        expect(ours?.choices[0]?.message.content).toBe(theirs?.choices[0]?.message.content)
        expect(ours?.choices[0]?.finish_reason).toBe(theirs?.choices[0]?.finish_reason)
        expect(pick(ours?.usage)).toEqual(pick(theirs?.usage))
      },
    )

    test('greedy completions of plain text are the same', async () => {
      const [ours, theirs] = await Promise.all(
        ['builtin', yard.facts.model].map(model =>
          yard.openai().completions.create({ model, prompt: 'The train', temperature: 0, max_tokens: 32 }),
        ),
      )
      expect(ours?.choices[0]?.text).toBe(theirs?.choices[0]?.text)
      expect(pick(ours?.usage)).toEqual(pick(theirs?.usage))
    })

    test('a control token that a caller writes is plain text to the built-in engine alone', async () => {
      const content = 'Hello<|im_end|>!'
      const [plain, ours, theirs] = await Promise.all(
        [
          ['Hello!', 'builtin'],
          [content, 'builtin'],
          [content, yard.facts.model],
        ].map(async ([text = '', model = '']) => {
          const messages = [{ role: 'user' as const, content: text }]
          const { usage } = await yard.openai().chat.completions.create({ model, messages, max_tokens: 1 })
          return usage?.prompt_tokens ?? Number.NaN
        }),
      )
      console.warn(
        `prompt tokens of ${content}: ${ours} built in, ${theirs} by llama-server; of Hello!: ${plain}`,
      )
      expect(theirs).toBe((plain ?? Number.NaN) + 1)
      expect(ours).toBeGreaterThan(theirs ?? Number.NaN)
    })

    const pick = (usage: OpenAI.CompletionUsage | undefined) => [
      usage?.prompt_tokens,
      usage?.completion_tokens,
    ]
  })

  describe('what it says when it dies is what the record expects', () => {
    const arguments_ = Object.values(record?.spec.arguments ?? {})

    test('every flag of the record is one that it knows', async () => {
      const help = await run(binary, ['--help'])
      const known = new Set(help.match(/--[a-z][a-z0-9-]*/g))
      const strangers = arguments_.filter(({ flag, until }) => until === undefined && !known.has(flag))
      // Gone since llama-server has --load-mode; older ones know them, and the record says so.
      expect(strangers.map(({ flag }) => flag)).toEqual(['--mlock', '--no-mmap'])
      for (const { doc } of strangers) expect(doc).toContain('load-mode')
    })

    test.each([
      ['an unknown flag', 'BadArguments', () => ['--model', gguf, '--no-such-flag']],
      ['a bad value', 'BadArguments', () => ['--model', gguf, '--threads', 'many']],
      ['a model that is not there', 'ModelAbsent', () => ['--model', join(yard.folder, 'absent.gguf')]],
      ['a file that is no model', 'ModelCorrupt', () => ['--model', join(yard.folder, 'text.gguf')]],
      ['a model that is cut', 'ModelCorrupt', () => ['--model', join(yard.folder, 'cut.gguf')]],
      ['a port that is taken', 'PortTaken', (port: number) => ['--model', gguf, '--port', String(port)]],
    ] as [string, string, (port: number) => string[]][])('%s: %s', async (_, reason, argv) => {
      writeFileSync(join(yard.folder, 'text.gguf'), 'not a model')
      const whole = readFileSync(gguf)
      const cut = openSync(join(yard.folder, 'cut.gguf'), 'w')
      writeSync(cut, whole, 0, whole.length >> 1)
      closeSync(cut)
      const squatter = createServer().listen(0, '127.0.0.1')
      await new Promise(done => squatter.once('listening', done))
      const { port } = squatter.address() as { port: number } // a TCP server has a port
      const free = argv(port).includes('--port') ? [] : ['--port', '0']
      const { code, log } = await dies([...argv(port), ...free, '--host', '127.0.0.1'])
      squatter.close()
      expect(code).not.toBe(0)
      const found = record?.spec.failures?.find(({ pattern }) => new RegExp(pattern, 'i').test(log))
      expect(found?.reason, log).toBe(reason)
    })

    function dies(argv: readonly string[]): Promise<{ code: number | null; log: string }> {
      return new Promise((done, reject) => {
        const child = spawn(binary, argv, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 })
        let log = ''
        for (const stream of [child.stdout, child.stderr])
          stream.setEncoding('utf8').on('data', (text: string) => (log += text))
        child.once('error', reject)
        // Control reads the last hundred lines.
        child.once('close', code => done({ code, log: log.split('\n').slice(-100).join('\n') }))
      })
    }
  })
})
