// Objects in a bucket that speaks S3, under an object lock where the URL asks for one: then nobody takes back what is
// written before its time, the account's owner neither (compliance) or only with a right of its own (governance).
import { createHash } from 'node:crypto'
import { Fault } from '@switchyard/kinds'
import type { Objects } from '@switchyard/runtime'
import { AwsClient } from 'aws4fetch'
import type { OpenObjectsOptions } from '../open.ts'
import { checkPath, differs } from '../path.ts'

const locks = ['compliance', 'governance'] as const
type Lock = (typeof locks)[number]

const timeoutMilliseconds = 30_000
const day = 86_400_000

/** `s3://bucket/prefix?endpoint=https://host&region=eu-1&lock=compliance`; credentials as AWS' tools name them. */
export async function s3Objects(url: URL, options: OpenObjectsOptions): Promise<Objects> {
  const bucket = openBucket(url, options)
  const lock = lockOf(url)
  if (lock) await checkLocked(bucket)
  const retentionDays = options.retentionDays ?? 0

  const held = (): Record<string, string> =>
    lock === undefined || retentionDays === 0
      ? {}
      : {
          'x-amz-object-lock-mode': lock.toUpperCase(),
          'x-amz-object-lock-retain-until-date': new Date(Date.now() + retentionDays * day).toISOString(),
        }

  async function get(path: string): Promise<Uint8Array | undefined> {
    const reply = await bucket.ask('GET', checkPath(path))
    if (reply.status === 404) return undefined
    if (reply.status !== 200) throw await refused(reply, path)
    return new Uint8Array(await reply.arrayBuffer())
  }

  async function put(path: string, bytes: Uint8Array, headers: Record<string, string>): Promise<Response> {
    const digest = createHash('sha256').update(bytes).digest()
    return bucket.ask('PUT', checkPath(path), {
      bytes,
      headers: {
        'content-type': 'application/octet-stream',
        'x-amz-content-sha256': digest.toString('hex'),
        // A lock is set only on what arrived whole.
        'x-amz-checksum-sha256': digest.toString('base64'),
        ...headers,
      },
    })
  }

  async function same(path: string, bytes: Uint8Array): Promise<boolean> {
    const standing = await get(path)
    if (standing && !Buffer.from(standing).equals(bytes)) throw differs(path)
    return standing !== undefined
  }

  return Object.freeze({
    protection:
      lock === undefined
        ? `objects in ${bucket.name}, without an object lock: it is not write-once`
        : `objects in ${bucket.name}, under a lock (${lock}) for ${retentionDays} days`,
    writeOnce: lock !== undefined && retentionDays > 0,
    get,
    async add(path: string, bytes: Uint8Array) {
      if (await same(path, bytes)) return
      const reply = await put(path, bytes, { 'if-none-match': '*', ...held() })
      if (reply.status === 200) return
      // Somebody else was quicker.
      if ((reply.status === 412 || reply.status === 409) && (await same(path, bytes))) return
      throw await refused(reply, path)
    },
    async replace(path: string, bytes: Uint8Array) {
      const reply = await put(path, bytes, {})
      if (reply.status !== 200) throw await refused(reply, path)
    },
    async discard(path: string) {
      if (lock !== undefined && retentionDays > 0) return
      const reply = await bucket.ask('DELETE', checkPath(path))
      if (reply.status >= 300 && reply.status !== 404) throw await refused(reply, path)
    },
    list: (prefix: string) => listKeys(bucket, prefix),
  })
}

interface Sent {
  readonly bytes?: Uint8Array
  readonly headers?: Record<string, string>
  readonly query?: Readonly<Record<string, string>>
}

interface Bucket {
  readonly name: string
  /** Before every name, with its slash. */
  readonly prefix: string
  /** With an empty path the bucket itself is asked. */
  ask(method: string, path: string, sent?: Sent): Promise<Response>
}

function openBucket(url: URL, { environment }: OpenObjectsOptions): Bucket {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION } = environment
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY)
    throw new Fault(
      'invalid',
      'A bucket needs credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
      {
        reason: 'archive_credentials',
      },
    )
  const region = url.searchParams.get('region') ?? AWS_REGION ?? 'us-east-1'
  const client = new AwsClient({
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}),
    service: 's3',
    region,
    retries: 2,
  })
  const name = url.hostname
  const folder = url.pathname.replaceAll(/^\/+|\/+$/g, '')
  const prefix = folder === '' ? '' : `${folder}/`
  const endpoint = url.searchParams.get('endpoint')
  if (endpoint !== null && !/^https?:\/\//.test(endpoint))
    throw new Fault('invalid', `${endpoint} is no endpoint: write https://HOST.`, { reason: 'archive_url' })
  // Names of buckets are part of the host on AWS, and of the path elsewhere.
  const base =
    endpoint === null
      ? `https://${name}.s3.${region}.amazonaws.com`
      : `${endpoint.replace(/\/+$/, '')}/${name}`
  return {
    name,
    prefix,
    async ask(method, path, { bytes, headers = {}, query = {} } = {}) {
      const key = path === '' ? '' : (prefix + path).split('/').map(encodeURIComponent).join('/')
      const search = new URLSearchParams(query).toString()
      try {
        return await client.fetch(`${base}/${key}${search === '' ? '' : `?${search}`}`, {
          method,
          headers,
          signal: AbortSignal.timeout(timeoutMilliseconds),
          // Why `as`: the types of fetch want a buffer that is not shared, and ours never is.
          ...(bytes === undefined ? {} : { body: bytes as Uint8Array<ArrayBuffer> }),
        })
      } catch (cause) {
        throw new Fault('unavailable', `The bucket ${name} of the archive cannot be reached.`, {
          reason: 'archive_away',
          cause,
        })
      }
    },
  }
}

function lockOf(url: URL): Lock | undefined {
  const asked = url.searchParams.get('lock')
  if (asked === null) return undefined
  const lock = locks.find(one => one === asked)
  if (lock) return lock
  throw new Fault('invalid', `lock=${asked}: write ${locks.join(' or ')}.`, { reason: 'archive_url' })
}

/** A bucket that is not made for locks takes objects and lets go of them all the same. */
async function checkLocked(bucket: Bucket): Promise<void> {
  const reply = await bucket.ask('GET', '', { query: { 'object-lock': '' } })
  if (reply.status === 200 && /<ObjectLockEnabled>\s*Enabled\s*</.test(await reply.text())) return
  if (reply.status === 200 || reply.status === 404)
    throw new Fault(
      'invalid',
      `The bucket ${bucket.name} has no object lock: make one with object lock enabled, or leave lock= out.`,
      { reason: 'archive_not_locked' },
    )
  throw await refused(reply, bucket.name)
}

async function listKeys(bucket: Bucket, prefix: string): Promise<readonly string[]> {
  const found: string[] = []
  for (let token: string | undefined; ; ) {
    const query = {
      'list-type': '2',
      'encoding-type': 'url',
      prefix: bucket.prefix + prefix,
      ...(token === undefined ? {} : { 'continuation-token': token }),
    }
    const reply = await bucket.ask('GET', '', { query })
    if (reply.status !== 200) throw await refused(reply, prefix)
    const text = await reply.text()
    for (const [, key = ''] of text.matchAll(/<Key>([^<]*)<\/Key>/g))
      found.push(decodeURIComponent(key.replaceAll('+', ' ')).slice(bucket.prefix.length))
    token = /<NextContinuationToken>([^<]*)</.exec(text)?.[1]
    if (token === undefined) return found.sort()
  }
}

/** What a bucket says when it will not, by its code alone: the rest of it may name accounts. */
async function refused(reply: Response, path: string): Promise<Fault> {
  const code = /<Code>([A-Za-z0-9]+)<\/Code>/.exec(await reply.text())?.[1] ?? 'no reason'
  return new Fault(
    'unavailable',
    `The bucket of the archive answered ${reply.status} (${code}) for ${path}: look at its rights.`,
    { reason: 'archive_refused' },
  )
}
