// As much of S3 as the driver speaks, in memory: what it is sent can be looked at. No proof that a real bucket does so.
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Stored {
  readonly bytes: Buffer
  readonly lock: string | undefined
  readonly until: string | undefined
}

export interface S3Server extends AsyncDisposable {
  readonly endpoint: string
  /** Of every bucket, by `bucket/key`. */
  readonly stored: Map<string, Stored>
  /** Buckets that were made with object lock. */
  readonly locked: Set<string>
  /** Answers this in place of everything. */
  refusal: { readonly status: number; readonly code: string } | undefined
}

const pageKeys = 2

export async function startS3(accessKey: string): Promise<S3Server> {
  const stored = new Map<string, Stored>()
  const locked = new Set<string>()

  async function answer(request: IncomingMessage): Promise<readonly [number, string | Buffer]> {
    const url = new URL(request.url ?? '', 'http://x')
    const [bucket = '', ...steps] = url.pathname.slice(1).split('/').map(decodeURIComponent)
    const { headers, method } = request
    const bytes = Buffer.concat((await Array.fromAsync(request)) as Buffer[])
    if (self.refusal) return [self.refusal.status, `<Error><Code>${self.refusal.code}</Code></Error>`]
    if (!headers.authorization?.startsWith(`AWS4-HMAC-SHA256 Credential=${accessKey}/`))
      return [403, '<Error><Code>AccessDenied</Code></Error>']
    const key = steps.join('/')
    const name = `${bucket}/${key}`
    if (key === '' && url.searchParams.has('object-lock'))
      return locked.has(bucket)
        ? [
            200,
            '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>',
          ]
        : [404, '<Error><Code>ObjectLockConfigurationNotFoundError</Code></Error>']
    if (key === '') return [200, listing(bucket, url.searchParams)]
    const standing = stored.get(name)
    if (method === 'GET')
      return standing ? [200, standing.bytes] : [404, '<Error><Code>NoSuchKey</Code></Error>']
    if (method === 'DELETE') {
      if (standing?.until !== undefined) return [403, '<Error><Code>AccessDenied</Code></Error>']
      stored.delete(name)
      return [204, '']
    }
    if (standing && headers['if-none-match'] === '*')
      return [412, '<Error><Code>PreconditionFailed</Code></Error>']
    const text = (value: string | string[] | undefined) => (typeof value === 'string' ? value : undefined)
    stored.set(name, {
      bytes,
      lock: text(headers['x-amz-object-lock-mode']),
      until: text(headers['x-amz-object-lock-retain-until-date']),
    })
    return [200, '']
  }

  function listing(bucket: string, query: URLSearchParams): string {
    const prefix = `${bucket}/${query.get('prefix') ?? ''}`
    const after = query.get('continuation-token') ?? ''
    const keys = [...stored.keys()].filter(key => key.startsWith(prefix) && key > after).sort()
    const page = keys.slice(0, pageKeys)
    const next =
      keys.length > page.length ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''
    const contents = page.map(
      key => `<Contents><Key>${encodeURIComponent(key.slice(bucket.length + 1))}</Key></Contents>`,
    )
    return `<ListBucketResult>${contents.join('')}${next}</ListBucketResult>`
  }

  const server = createServer((request, response) => {
    void answer(request).then(([status, body]) => response.writeHead(status).end(body))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // an IP server has one
  const self: S3Server = {
    endpoint: `http://127.0.0.1:${port}`,
    stored,
    locked,
    refusal: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return self
}
