import type { ServerResponse } from 'node:http'
import { createClient, type WatchEvent } from '@switchyard/client'
import { errorBody, Fault } from '@switchyard/kinds'
import { describe, expect, test } from 'vitest'
import { document, double, json, type Respond } from './double.ts'

const initialEnd = { 'switchyard.dev/initial-events-end': 'true' }
const added = (name: string, version: number) => ({ type: 'ADDED', object: document(name, version) })
const modified = (name: string, version: number) => ({ type: 'MODIFIED', object: document(name, version) })
const bookmark = (version: number, annotations: Record<string, string> = {}) => ({
  type: 'BOOKMARK',
  object: { kind: 'Endpoint', metadata: { resourceVersion: String(version), annotations } },
})
const failed = (fault: Fault) => ({ type: 'ERROR', object: errorBody(fault, 'r').error })

function frames(response: ServerResponse, ...list: readonly unknown[]): ServerResponse {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  for (const frame of list) response.write(`${JSON.stringify(frame)}\n`)
  return response
}

const word = (event: WatchEvent) =>
  'document' in event
    ? `${event.type} ${event.document.metadata.name}@${event.document.metadata.resourceVersion}`
    : event.type

/** Reads until `count` events came; each request is answered by the next script. */
async function watching(count: number, ...scripts: readonly Respond[]) {
  let at = 0
  await using server = await double((asked, response) =>
    scripts[Math.min(at++, scripts.length - 1)]?.(asked, response),
  )
  const pauses: number[] = []
  const pause = (attempt: number) => {
    pauses.push(attempt)
    return Promise.resolve()
  }
  const stop = new AbortController()
  await using client = createClient({ url: server.url, token: () => 'key', watch: { pause, attempts: 3 } })
  const seen: string[] = []
  let fault: Fault | undefined
  try {
    for await (const event of client.watch('Endpoint', { workspace: 'default', signal: stop.signal })) {
      seen.push(word(event))
      if (seen.length === count) stop.abort()
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    fault = error
  }
  return { seen, fault, pauses, versions: server.asked.map(({ query }) => query.resourceVersion ?? 'list') }
}

const first: Respond = (_, response) =>
  void frames(response, added('a', 5), added('b', 3), bookmark(9, initialEnd), modified('a', 10))
const silent: Respond = (_, response) => void frames(response)

describe('a watch', () => {
  test('gives the list, its end, and then the changes', async () => {
    const { seen, fault, versions } = await watching(4, first)
    expect(seen).toEqual(['ADDED a@5', 'ADDED b@3', 'SYNCED', 'MODIFIED a@10'])
    expect(fault?.code).toBe('cancelled')
    expect(versions).toEqual(['list'])
  })

  test('that is cut goes on after the newest version that it saw', async () => {
    const cut: Respond = (_, response) => {
      frames(response, added('a', 5), bookmark(9, initialEnd), modified('a', 10))
      setTimeout(() => response.destroy(), 20)
    }
    const later: Respond = (_, response) => void frames(response, bookmark(14), modified('a', 15)).end()
    const last: Respond = (_, response) => void frames(response, modified('a', 16))
    const { seen, versions } = await watching(5, cut, later, last)
    expect(seen).toEqual(['ADDED a@5', 'SYNCED', 'MODIFIED a@10', 'MODIFIED a@15', 'MODIFIED a@16'])
    expect(versions).toEqual(['list', '10', '15'])
  })

  test('that ends quietly goes on from its last bookmark', async () => {
    const quiet: Respond = (_, response) => void frames(response, bookmark(9, initialEnd), bookmark(33)).end()
    const { versions } = await watching(2, quiet, (_, response) => void frames(response, modified('a', 40)))
    expect(versions).toEqual(['list', '33'])
  })

  test('that is cut within the first list lists again: its versions are no place to go on from', async () => {
    const cut: Respond = (_, response) => {
      frames(response, added('a', 5))
      setTimeout(() => response.destroy(), 20)
    }
    const { seen, versions } = await watching(6, cut, first)
    expect(seen).toEqual(['ADDED a@5', 'RELISTED', 'ADDED a@5', 'ADDED b@3', 'SYNCED', 'MODIFIED a@10'])
    expect(versions).toEqual(['list', 'list'])
  })

  test('lists again when its version has expired, before the stream or within it', async () => {
    const expired = new Fault('expired', 'Too old.')
    const within: Respond = (_, response) =>
      void frames(response, bookmark(9, initialEnd), failed(expired)).end()
    const before: Respond = (_, response) => json(response, 410, errorBody(expired, 'r'))
    const once = await watching(6, within, first)
    expect(once.seen.slice(0, 3)).toEqual(['SYNCED', 'RELISTED', 'ADDED a@5'])
    const quiet: Respond = (_, response) => void frames(response, bookmark(9, initialEnd)).end()
    const twice = await watching(6, quiet, before, first)
    expect(twice.seen.slice(0, 3)).toEqual(['SYNCED', 'RELISTED', 'ADDED a@5'])
    expect(twice.versions).toEqual(['list', '9', 'list'])
  })

  test('that was too slow goes on where it was, without a new list', async () => {
    const slow = new Fault('expired', 'Too slow.', { reason: 'slow_consumer' })
    const { versions } = await watching(
      2,
      (_, response) => void frames(response, bookmark(9, initialEnd), failed(slow)).end(),
      (_, response) => void frames(response, modified('a', 12)),
    )
    expect(versions).toEqual(['list', '9'])
  })

  test('asks for a fresh token once when its own has ended', async () => {
    const ended = new Fault('unauthenticated', 'The session has ended.')
    const good: Respond = (_, response) => void frames(response, bookmark(9, initialEnd), failed(ended)).end()
    const renewed = await watching(2, good, (_, response) => void frames(response, modified('a', 12)))
    expect(renewed.seen).toEqual(['SYNCED', 'MODIFIED a@12'])
    const refused = await watching(9, good, (_, response) => json(response, 401, errorBody(ended, 'r')))
    expect(refused.fault?.code).toBe('unauthenticated')
  })

  test('fails at once when the first connection fails or is refused', async () => {
    const denied = await watching(1, (_, response) =>
      json(response, 403, errorBody(new Fault('denied', 'You need endpoint:read.'), 'r')),
    )
    expect([denied.seen, denied.fault?.code]).toEqual([[], 'denied'])
    const down = await watching(1, (_, response) => response.destroy())
    expect([down.seen, down.fault?.code]).toEqual([[], 'unavailable'])
  })

  test('gives up after as many attempts in a row as it may make, waiting between them', async () => {
    const { fault, pauses } = await watching(
      9,
      (_, response) => void frames(response, bookmark(9, initialEnd)).end(),
      (_, response) => response.destroy(),
    )
    expect(fault?.code).toBe('unavailable')
    expect(pauses).toEqual([1, 2, 3])
  })

  test('ends within its silence when it is aborted', async () => {
    await using server = await double(silent)
    const stop = new AbortController()
    await using client = createClient({ url: server.url, token: () => '' })
    const events = client.watch('Endpoint', { signal: stop.signal })
    setTimeout(() => stop.abort(), 50)
    await expect(events.next()).rejects.toMatchObject({ code: 'cancelled' })
  })
})
