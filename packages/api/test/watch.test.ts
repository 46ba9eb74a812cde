import { request } from 'node:http'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { kinds } from '@switchyard/kinds'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Body, expectStatus, type Harness, type Person, start, workspaceDocument } from './harness.ts'

interface Frame {
  readonly type: string
  readonly object: Body & { readonly reason: string }
}

interface Watch extends AsyncDisposable {
  readonly status: number
  readonly frames: Frame[]
  /** Waits until a frame fits; fails after 10 s, or as many as are given. */
  until(fits: (frame: Frame) => boolean, seconds?: number): Promise<Frame>
  readonly ended: Promise<void>
}

let h: Harness
beforeAll(async () => {
  h = await start({ watch: { bookmarkMilliseconds: 300, pollMilliseconds: 200 } })
  expectStatus(await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument('team') }), 201)
})
afterAll(() => h[Symbol.asyncDispose]())

const projects = '/api/v1/workspaces/team/projects'
const project = (name: string, labels: Record<string, string> = {}) => ({
  metadata: { name, labels },
  spec: {},
})

async function watch(
  path: string,
  given: { token?: string; headers?: Record<string, string> } = {},
): Promise<Watch> {
  const { token = h.operator, headers = {} } = given
  const outgoing = request(h.url + path, { headers: { authorization: `Bearer ${token}`, ...headers } })
  outgoing.end()
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve).once('error', reject)
  })
  const frames: Frame[] = []
  const wakes = new Set<() => void>()
  const wake = () => {
    for (const resolve of wakes) resolve()
  }
  const ended = (async () => {
    try {
      for await (const line of createInterface(response)) {
        const text = line.replace(/^data: /, '')
        if (!text.startsWith('{')) continue
        frames.push(JSON.parse(text) as Frame)
        wake()
      }
    } catch {
      // A cut connection ends the watch: that is what some tests do.
    }
    wake()
  })()
  outgoing.on('error', () => {})
  return {
    status: response.statusCode ?? 0,
    frames,
    ended,
    async until(fits, seconds = 10) {
      const late = AbortSignal.timeout(seconds * 1000)
      for (let place = 0; ; ) {
        for (; place < frames.length; place++) if (fits(frames[place]!)) return frames[place]!
        if (late.aborted) throw new Error(`no such frame among ${JSON.stringify(frames).slice(0, 2000)}`)
        const { promise, resolve } = Promise.withResolvers<void>()
        wakes.add(resolve)
        late.addEventListener('abort', () => resolve(), { once: true })
        await promise
        wakes.delete(resolve)
      }
    },
    async [Symbol.asyncDispose]() {
      outgoing.destroy()
      await ended
    },
  }
}

const isInitialEnd = ({ type, object }: Frame) =>
  type === 'BOOKMARK' && object.metadata.annotations['switchyard.dev/initial-events-end'] === 'true'
const named = (name: string, type: string) => (frame: Frame) =>
  frame.type === type && frame.object.metadata.name === name

describe('a watch', () => {
  test('begins with what is there, says where that ends, and goes on with changes', async () => {
    expectStatus(await h.call('POST', projects, { body: project('before') }), 201)
    await using stream = await watch(`${projects}?watch=true`)
    await stream.until(isInitialEnd)
    expect(stream.frames[0]).toMatchObject({
      type: 'ADDED',
      object: { metadata: { name: 'before' }, kind: 'Project' },
    })
    expectStatus(await h.call('POST', projects, { body: project('after') }), 201)
    await stream.until(named('after', 'ADDED'))
    expectStatus(await h.call('PATCH', `${projects}/after`, { body: { spec: { archived: true } } }), 200)
    await stream.until(named('after', 'MODIFIED'))
    const gone = expectStatus(await h.call('DELETE', `${projects}/after`), 200)
    const frame = await stream.until(named('after', 'DELETED'))
    expect(frame.object.spec).toEqual({ archived: true })
    expect(frame.object.metadata.resourceVersion).toBe(gone.body.metadata.resourceVersion)
    await stream.until(frame => frame.type === 'BOOKMARK' && !isInitialEnd(frame))
  })

  test('says ADDED and DELETED when a document starts and stops being selected', async () => {
    await using stream = await watch(`${projects}?watch=true&labelSelector=tier%3Dgold`)
    await stream.until(isInitialEnd)
    expectStatus(await h.call('POST', projects, { body: project('moving') }), 201)
    const tier = (value: string | null) =>
      h.call('PATCH', `${projects}/moving`, { body: { metadata: { labels: { tier: value } } } })
    await tier('gold')
    await stream.until(named('moving', 'ADDED'))
    await tier('lead')
    await stream.until(named('moving', 'DELETED'))
    expect(stream.frames.filter(({ type }) => type !== 'BOOKMARK').map(({ type }) => type)).toEqual([
      'ADDED',
      'DELETED',
    ])
  })

  test('resumes over SSE from the id of the last event without loss or repeat', async () => {
    const sse = { accept: 'text/event-stream' }
    const { body } = await h.call('GET', projects)
    const from = body.metadata.resourceVersion
    for (const name of ['s1', 's2', 's3'])
      expectStatus(await h.call('POST', projects, { body: project(name) }), 201)
    const seen: string[] = []
    let last: string
    {
      await using first = await watch(`${projects}?watch=true&resourceVersion=${from}`, { headers: sse })
      last = (await first.until(named('s2', 'ADDED'))).object.metadata.resourceVersion
      seen.push('s1', 's2')
    }
    await using second = await watch(`${projects}?watch=true&resourceVersion=0`, {
      headers: { ...sse, 'last-event-id': last },
    })
    await second.until(named('s3', 'ADDED'))
    seen.push(
      ...second.frames.filter(({ type }) => type === 'ADDED').map(({ object }) => object.metadata.name),
    )
    expect(seen).toEqual(['s1', 's2', 's3'])
  })

  test('from a version that the log has lost, or never had, is expired before it begins', async () => {
    const reply = await h.call('GET', `${projects}?watch=true&resourceVersion=99999999999`)
    expect([reply.status, reply.body.error.code]).toEqual([410, 'expired'])
  })

  test('misses nothing and repeats nothing while eight write at once and watchers are cut and resumed', async () => {
    const { body } = await h.call('GET', projects)
    const writers = 8
    const each = 25
    let final: bigint | undefined
    const written = Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        for (let number = 0; number < each; number++) {
          const name = `c-${writer}-${number}`
          expectStatus(await h.call('POST', projects, { body: project(name) }), 201)
          if (number % 3 === 0)
            expectStatus(
              await h.call('PATCH', `${projects}/${name}`, { body: { spec: { archived: true } } }),
              200,
            )
          if (number % 5 === 0) expectStatus(await h.call('DELETE', `${projects}/${name}`), 200)
        }
      }),
    ).then(async () => {
      final = BigInt((await h.call('GET', projects)).body.metadata.resourceVersion)
    })

    /** Follows with a cut after every few frames; what it saw, in order. */
    async function follow(cutAfter: number): Promise<string[]> {
      const seen: string[] = []
      let version = body.metadata.resourceVersion
      for (;;) {
        await using stream = await watch(`${projects}?watch=true&resourceVersion=${version}`)
        const isEnd = ({ type, object }: Frame) =>
          type === 'BOOKMARK' && final !== undefined && BigInt(object.metadata.resourceVersion) >= final
        await stream.until(frame => isEnd(frame) || stream.frames.indexOf(frame) >= cutAfter, 90)
        // Everything that has arrived counts, because the next watch begins after the last of it.
        for (const { type, object } of stream.frames.slice()) {
          if (type !== 'BOOKMARK')
            seen.push(`${object.metadata.resourceVersion} ${type} ${object.metadata.name}`)
          version = object.metadata.resourceVersion
        }
        if (stream.frames.some(isEnd)) return seen
      }
    }

    const [steady, cut, choppy] = await Promise.all([follow(10_000), follow(17), follow(3), written])
    expect(cut).toEqual(steady)
    expect(choppy).toEqual(steady)
    const versions = steady!.map(line => BigInt(line.split(' ')[0]!))
    expect(versions.every((version, place) => place === 0 || version > versions[place - 1]!)).toBe(true)
    const count = (type: string) => steady!.filter(line => line.includes(` ${type} c-`)).length
    expect([count('ADDED'), count('MODIFIED'), count('DELETED')]).toEqual([
      writers * each,
      writers * 9,
      writers * 5,
    ])
  }, 120_000)
})

describe('a watch ends within a second', () => {
  let member: Person
  beforeAll(async () => {
    member = await h.person('mem', { team: ['developer'] })
  })
  const lastFrame = ({ frames }: Watch) => frames.at(-1)
  async function endsSoon(stream: Watch, act: () => Promise<unknown>): Promise<void> {
    await stream.until(isInitialEnd)
    await act()
    const begun = performance.now()
    await stream.ended
    expect(performance.now() - begun).toBeLessThan(1_000)
  }

  test('when its key is revoked', async () => {
    const keys = '/api/v1/workspaces/team/apikeys'
    const body = { metadata: { name: 'w' }, spec: { owner: { kind: 'User', name: 'mem' }, scopes: ['*'] } }
    const made = expectStatus(await h.call('POST', keys, { token: member.token, body }), 201)
    await using stream = await watch(`${projects}?watch=true`, { token: made.body.secret! })
    await endsSoon(stream, () => h.call('DELETE', `${keys}/w`))
    expect(lastFrame(stream)).toMatchObject({ type: 'ERROR', object: { code: 'unauthenticated' } })
  })

  test('when its caller signs out', async () => {
    await using stream = await watch(`${projects}?watch=true`, { token: member.token })
    await endsSoon(stream, () => h.call('DELETE', '/api/v1/sessions', { token: member.token }))
    expect(lastFrame(stream)).toMatchObject({ type: 'ERROR', object: { code: 'unauthenticated' } })
  })

  test('when the grants of its caller change', async () => {
    const again = await h.call('POST', '/api/v1/sessions', {
      token: null,
      body: { email: member.email, password: member.password },
    })
    await using stream = await watch(`${projects}?watch=true`, { token: again.body.accessToken })
    await endsSoon(stream, () => h.call('DELETE', '/api/v1/workspaces/team/roleassignments/mem-developer'))
    expect(lastFrame(stream)).toMatchObject({
      type: 'ERROR',
      object: { code: 'expired', reason: 'grants_changed' },
    })
  })
})

test('a watcher that does not read is closed and harms no other', async () => {
  await using slow = await start({ watch: { frames: 20, bytes: 200_000, pollMilliseconds: 100 } })
  const path = '/api/v1/workspaces/default/projects'
  const outgoing = request(`${slow.url}${path}?watch=true`, {
    headers: { authorization: `Bearer ${slow.operator}` },
  })
  outgoing.end()
  const response = await new Promise<import('node:http').IncomingMessage>(resolve =>
    outgoing.once('response', resolve),
  )
  const closed = new Promise<void>(resolve => response.once('close', resolve))
  response.on('error', () => {})
  // Paused: nothing is taken from the socket.
  response.pause()
  expectStatus(await slow.call('POST', path, { body: project('big') }), 201)
  let at = ''
  for (let round = 0; round < 60; round++) {
    const body = { metadata: { annotations: { note: `${round}${'x'.repeat(200_000)}` } } }
    at = expectStatus(await slow.call('PATCH', `${path}/big`, { body }), 200).body.metadata.resourceVersion
  }
  await pause(500)
  let text = ''
  response.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-2_000)
  })
  response.resume()
  await closed
  expect(text).toContain('slow_consumer')
  expect((await slow.call('GET', `${path}/big`)).body.metadata.resourceVersion).toBe(at)
})

describe('a watch of several kinds', () => {
  const both = '/api/v1/watch?kinds=Project,workspaces'

  test('begins with every document of each, and goes on with changes of all in their order', async () => {
    expectStatus(await h.call('POST', projects, { body: project('several-a') }), 201)
    await using one = await watch(both)
    expect(one.status).toBe(200)
    const mark = await one.until(({ type }) => type === 'BOOKMARK')
    expect(mark.object.kind).toBe('Change')
    const first = one.frames
      .slice(0, one.frames.indexOf(mark))
      .map(({ object }) => `${object.kind} ${object.metadata.name}`)
    expect(first).toEqual(
      expect.arrayContaining(['Project several-a', 'Workspace team', 'Workspace default']),
    )
    expectStatus(await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument('several') }), 201)
    expectStatus(await h.call('POST', projects, { body: project('several-b') }), 201)
    await one.until(({ type, object }) => type === 'ADDED' && object.metadata?.name === 'several-b')
    const later = one.frames.slice(one.frames.indexOf(mark) + 1).filter(({ type }) => type === 'ADDED')
    expect(later.map(({ object }) => object.metadata.name)).toEqual(['several', 'several-b'])
  })

  test('goes on from a version, and tells nothing of what the caller may not read', async () => {
    const token = (await h.person('several-viewer', { team: ['viewer'] })).token
    const listed = await h.call('GET', projects)
    const from = String(listed.body.metadata.resourceVersion)
    expectStatus(
      await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument('several-hidden') }),
      201,
    )
    expectStatus(await h.call('POST', projects, { body: project('several-c') }), 201)
    await using one = await watch(`${both}&resourceVersion=${from}`, { token })
    await one.until(({ type, object }) => type === 'ADDED' && object.metadata?.name === 'several-c')
    expect(one.frames.filter(({ object }) => object.metadata?.name === 'several-hidden')).toEqual([])
    await using none = await watch('/api/v1/watch?kinds=Project,User', { token })
    expect(none.status).toBe(403)
    await using unknown = await watch('/api/v1/watch?kinds=Project,Nonsense', { token })
    expect(unknown.status).toBe(400)
  })
})

test('the kinds are told with schemas that stand by themselves, and not again when nothing has changed', async () => {
  const { body, headers } = await h.call('GET', '/api/v1/kinds')
  const items = body.items as unknown as readonly { kind: string; spec: { type: string } }[]
  expect(items.map(({ kind }) => kind)).toEqual(kinds.map(({ kind }) => kind))
  for (const { spec } of items) expect(JSON.stringify(spec)).not.toContain('#/components')
  expect(items.find(({ kind }) => kind === 'Endpoint')?.spec.type).toBe('object')
  const again = await h.call('GET', '/api/v1/kinds', {
    headers: { 'if-none-match': String(headers.get('etag')) },
  })
  expect(again.status).toBe(304)
})
