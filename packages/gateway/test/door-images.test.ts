// Images that a chat names by URL, through the port: fetched for upstreams that want bytes, and never from inside.
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { certificateFor } from './certificates.ts'
import { ScriptedUpstream } from './upstream.ts'

const pair = certificateFor('cdn.example.com')
const png = Buffer.from('\x89PNG\r\n\x1a\nrest', 'latin1')

/** Paths that were asked for. */
let fetched: string[]
let server: ReturnType<typeof createServer>
let bed: Bed
let upstream: ScriptedUpstream
let key: string
let port: number

beforeEach(async () => {
  fetched = []
  server = createServer(pair, ({ url = '' }, response) => {
    fetched.push(url)
    if (url.startsWith('/inside')) response.writeHead(302, { location: 'https://127.0.0.1/secret' })
    else response.setHeader('content-type', url.startsWith('/page') ? 'text/html' : 'image/png')
    response.end(png)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  ;({ port } = server.address() as AddressInfo) // it listens on TCP
  bed = await Bed.start({}, { images: { allowCidrs: ['127.0.0.1'], ca: pair.cert } })
  bed.resolve = async host => (host === 'cdn.example.com' ? ['127.0.0.1'] : ['10.0.0.1'])
  upstream = await ScriptedUpstream.start()
  bed.provider('gemini', { type: 'gemini', baseUrl: upstream.url(undefined, '/v1beta') })
  bed.provider('ollama', { type: 'ollama', baseUrl: upstream.url() })
  bed.provider('openai', { type: 'openai-compatible', baseUrl: upstream.url(undefined, '/v1') })
  key = bed.key()
})
afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await bed[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
})

function lead(...providers: readonly string[]): void {
  bed.route('eyes', {
    tiers: providers.map(provider => ({ targets: [{ provider, model: 'm' }] })),
    fetchImages: true,
  })
}

const at = (path: string) => `https://cdn.example.com:${port}${path}`
const look = (...urls: readonly string[]) => ({
  model: 'eyes',
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'what is this?' },
        ...urls.map(url => ({ type: 'image_url', image_url: { url } })),
      ],
    },
  ],
})

async function messageOf(answer: Response): Promise<readonly [number, string]> {
  const { error } = (await answer.json()) as { readonly error: { readonly message: string } } // OpenAI's shape
  return [answer.status, error.message]
}

describe('C6 an image by URL', () => {
  test.each(['gemini', 'ollama'])('is fetched for %s, which wants bytes, once each', async provider => {
    lead(provider)
    const answer = await bed.chat(key, look(at('/a.png'), at('/b.png'), at('/a.png')))
    expect(answer.status).toBe(200)
    expect(fetched.toSorted()).toEqual(['/a.png', '/b.png'])
    const sent = upstream.seen[0]?.body.toString() ?? ''
    expect(sent.split(png.toString('base64'))).toHaveLength(4)
    expect(sent).not.toContain('cdn.example.com')
  })

  test('is fetched after the limits have let the request in', async () => {
    lead('gemini')
    bed.change('Workspace', 'default', { spec: { limits: { requests: { perMinute: 1, burst: 1 } } } })
    expect((await bed.chat(key, look(at('/a.png')))).status).toBe(200)
    expect((await bed.chat(key, look(at('/b.png')))).status).toBe(429)
    expect(fetched).toEqual(['/a.png'])
  })

  test('goes as it is to an upstream that takes addresses, and in bytes to the one behind it', async () => {
    lead('openai', 'gemini')
    upstream.will('status 500')
    expect((await bed.chat(key, look(at('/a.png')))).status).toBe(200)
    const [first = '', second = ''] = upstream.seen.map(({ body }) => body.toString())
    expect(first).toContain(at('/a.png'))
    expect(second).toContain(png.toString('base64'))
  })

  test('is not fetched where every upstream takes addresses', async () => {
    lead('openai')
    expect((await bed.chat(key, look(at('/a.png')))).status).toBe(200)
    expect(fetched).toEqual([])
  })

  test('is refused where the route does not fetch', async () => {
    bed.route('eyes', { tiers: [{ targets: [{ provider: 'gemini', model: 'm' }] }] })
    const [status, message] = await messageOf(await bed.chat(key, look(at('/a.png'))))
    expect([status, message]).toEqual([400, expect.stringContaining('base64')])
    expect([fetched, upstream.seen]).toEqual([[], []])
  })

  test.each<[string, string[], string]>([
    ['is a page', ['/page'], 'no PNG, JPEG, GIF or WebP'],
    ['redirects into the network', ['/inside'], 'redirect, which is not followed'],
    ['is one of too many', Array.from({ length: 21 }, (_, i) => `/${i}.png`), 'More than 20 images'],
  ])('that %s is refused, and what was claimed is given back', async (_, paths, reason) => {
    lead('gemini')
    bed.change('Workspace', 'default', { spec: { limits: { concurrency: 1 } } })
    for (let i = 0; i < 2; i++) {
      const [status, message] = await messageOf(await bed.chat(key, look(...paths.map(at))))
      expect([status, message]).toEqual([400, expect.stringContaining(reason)])
    }
    expect([upstream.seen, bed.journal.records, bed.gateway.inflight]).toEqual([[], [], 0])
  })
})

describe('F11 an image’s URL', () => {
  test.each([
    'https://169.254.169.254/latest/meta-data',
    'https://[::ffff:10.0.0.1]/a.png',
    'https://127.0.0.2/a.png',
    'https://inside.example.com/a.png',
  ])('to %s is never dialled, and its refusal is told to the operator', async url => {
    lead('gemini')
    const [status, message] = await messageOf(await bed.chat(key, look(url)))
    expect([status, message]).toEqual([400, expect.stringContaining('nothing is fetched from')])
    expect([fetched, upstream.seen]).toEqual([[], []])
    expect(bed.observed).toContainEqual(expect.objectContaining({ type: 'image_refused' }))
  })

  test.each(['http://cdn.example.com/a.png', 'https://user:pass@cdn.example.com/a.png'])(
    'as %s is refused unread',
    async url => {
      lead('gemini')
      expect((await messageOf(await bed.chat(key, look(url))))[1]).toContain('must be an https:// URL')
      expect(fetched).toEqual([])
    },
  )
})

describe('F11 a provider', () => {
  test('whose name leads inside is not dialled: 502 with our text, at the next tier as well', async () => {
    bed.provider('named', { type: 'openai-compatible', baseUrl: 'https://inside.example.com/v1' })
    bed.route('far', { tiers: [{ targets: [{ provider: 'named', model: 'm' }] }] })
    const answer = await bed.chat(key, { model: 'far' })
    const [status, message] = await messageOf(answer)
    expect([status, message]).toEqual([502, expect.stringContaining('not set up')])
    expect(message).not.toMatch(/10\.0|inside/)
    expect(bed.observed).toContainEqual(
      expect.objectContaining({ type: 'attempt_failed', outcome: 'refused' }),
    )
    bed.route('both', {
      tiers: [
        { targets: [{ provider: 'named', model: 'm' }] },
        { targets: [{ provider: 'openai', model: 'm' }] },
      ],
    })
    expect((await bed.chat(key, { model: 'both' })).status).toBe(200)
  })
})
