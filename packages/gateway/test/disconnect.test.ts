// What a caller owes who leaves in mid-stream: what had come by then, at once, as no upstream tells anything more.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test, vi } from 'vitest'
import { Bed } from './bed.ts'
import { callers } from './callers.ts'

/** Forty bytes of UTF-8: ten tokens, by four bytes a token. */
const words = '一二三 four five six seven four nine.'
const deltas = 12

/** Streams twelve deltas of forty bytes each, and then nothing. */
async function silent() {
  const aborted = Promise.withResolvers<number>()
  const server = createServer((request, response) => {
    request.resume()
    response.once('close', () => aborted.resolve(performance.now()))
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (let i = 0; i < deltas; i++) {
      const choices = [{ index: 0, delta: { content: words }, finish_reason: null }]
      response.write(
        `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', model: 'm', choices })}\n\n`,
      )
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  return {
    address: `127.0.0.1:${port}`,
    aborted: aborted.promise,
    [Symbol.dispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

const at = async (url: string, key: string, caller: 'openai' | 'anthropic') => {
  const row = callers[caller]
  const leaving = new AbortController()
  const answered = await fetch(url + row.path('m', true), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify(row.body('m', true)),
    signal: leaving.signal,
  })
  const reader = answered.body?.getReader()
  let text = ''
  while (text.split('nine.').length <= deltas)
    text += Buffer.from((await reader?.read())?.value ?? []).toString()
  return leaving
}

test.for([
  ['a provider, who may put several tokens into a delta', 'openai', 120, 'estimated', 'estimator:utf8-4.v1'],
  ['a provider behind another dialect', 'anthropic', 120, 'estimated', 'estimator:utf8-4.v1'],
  ['an engine, which streams token by token', 'openai', 12, 'counted', 'usage_missing'],
] as const)(
  'MB3: who leaves %s is settled at once from what was delivered, and the upstream ended within 100 ms',
  async ([whom, caller, tokens, source, flag]) => {
    expect(Buffer.byteLength(words)).toBe(40)
    using upstream = await silent()
    await using bed = await Bed.start()
    if (whom.startsWith('an engine')) bed.endpoint('m', [upstream.address])
    else {
      bed.provider('p', { type: 'deepseek', baseUrl: `http://${upstream.address}/v1` })
      bed.route('m', { tiers: [{ targets: [{ provider: 'p', model: 'm' }] }] })
    }
    const leaving = await at(bed.url, bed.key(), caller)
    const left = performance.now()
    leaving.abort()
    expect((await upstream.aborted) - left).toBeLessThan(100 * 5) // of a machine that others use
    await vi.waitUntil(() => bed.journal.events.length > 0, { timeout: 4000 })
    expect(bed.journal.last).toMatchObject({ end: 'client_gone', usageSource: source })
    expect(bed.journal.last.quantities).toEqual({ 'tok.out.text': String(tokens) })
    expect(bed.journal.last.flags).toContain(flag)
  },
)
