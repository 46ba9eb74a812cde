// Signing in with a browser: the server sends it to the identity provider and then here, to a port of this machine, with a
// code that only this program can use (RFC 8252).
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Client, Session } from '@switchyard/client'
import { Fault } from '@switchyard/kinds'
import type { Cli } from '../cli.ts'

/** A person has so long at the provider. */
const waitMilliseconds = 600_000

export async function signInByBrowser(
  cli: Cli,
  client: Client,
  wanted: string | undefined,
): Promise<Session> {
  const provider = wanted ?? (await onlyOne(client))
  const verifier = randomBytes(32).toString('base64url')
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const state = randomBytes(16).toString('base64url')
  const signal = AbortSignal.any([cli.signal, AbortSignal.timeout(waitMilliseconds)])
  const { promise: code, resolve } = Promise.withResolvers<string>()
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1')
    const given = searchParams.get('code')
    const ours = given !== null && searchParams.get('state') === state
    response.writeHead(ours ? 200 : 404, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' })
    response.end(
      ours ? 'You are signed in. Close this page.\n您已登录，可以关闭此页面。\n' : 'Nothing is here.\n',
    )
    if (ours) resolve(given)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening', { signal })
  try {
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const query = new URLSearchParams({ port: String(port), challenge, state }).toString()
    cli.note('Open this address in a browser of this machine, and sign in there:')
    cli.note(`  ${client.url}/api/v1/sso/${encodeURIComponent(provider)}/start?${query}`)
    return await client.exchange(await Promise.race([code, left(signal)]), verifier)
  } finally {
    server.close()
    server.closeIdleConnections()
  }
}

async function onlyOne(client: Client): Promise<string> {
  const [first, ...others] = await client.signIns()
  if (first === undefined)
    throw new Fault('unsupported', 'Nobody signs in here by an identity provider: use --email.')
  if (others.length > 0)
    throw new Fault('invalid', `Say which one: --sso ${[first, ...others].join(' or --sso ')}.`)
  return first
}

async function left(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort')
  throw new Fault('cancelled', 'Nobody has signed in with the browser. Nothing was changed.')
}
