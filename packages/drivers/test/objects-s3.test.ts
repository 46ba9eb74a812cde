import { objectsConformance } from '@switchyard/drivers/objects/conformance'
import { openObjects } from '@switchyard/drivers/objects/open'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type S3Server, startS3 } from './s3-server.ts'

const environment = { AWS_ACCESS_KEY_ID: 'switchyard', AWS_SECRET_ACCESS_KEY: 'a-secret-of-the-test' }
let s3: S3Server
let number = 0
beforeAll(async () => {
  s3 = await startS3(environment.AWS_ACCESS_KEY_ID)
})
afterAll(() => s3[Symbol.asyncDispose]())

function open(lock = '', bucket = `b${++number}`) {
  if (lock !== '') s3.locked.add(bucket)
  const query = `endpoint=${s3.endpoint}${lock === '' ? '' : `&lock=${lock}`}`
  return openObjects(`s3://${bucket}/prod/log?${query}`, { retentionDays: 183, environment })
}

objectsConformance('a bucket', { open: () => open() })
objectsConformance('a bucket under a lock', { open: () => open('compliance') })

test('what is written once is locked until its time is over, and what is replaced is not', async () => {
  const objects = await open('compliance', 'vault')
  expect([objects.writeOnce, objects.protection]).toEqual([
    true,
    'objects in vault, under a lock (compliance) for 183 days',
  ])
  await objects.add('tile/0/000', new Uint8Array(32))
  await objects.replace('latest', new Uint8Array(1))
  const { lock, until } = s3.stored.get('vault/prod/log/tile/0/000') ?? {}
  expect(lock).toBe('COMPLIANCE')
  expect(Math.round((Date.parse(until ?? '') - Date.now()) / 86_400_000)).toBe(183)
  expect(s3.stored.get('vault/prod/log/latest')?.lock).toBeUndefined()
  expect((await open()).writeOnce).toBe(false)
})

test('a place that cannot be used is refused with what to do', async () => {
  const at = `s3://plain/x?endpoint=${s3.endpoint}`
  await expect(openObjects(`${at}&lock=compliance`, { environment })).rejects.toMatchObject({
    reason: 'archive_not_locked',
  })
  await expect(openObjects(`${at}&lock=forever`, { environment })).rejects.toMatchObject({
    reason: 'archive_url',
  })
  await expect(openObjects('s3://plain?endpoint=nowhere', { environment })).rejects.toMatchObject({
    reason: 'archive_url',
  })
  await expect(openObjects('s3://plain', { environment: {} })).rejects.toMatchObject({
    reason: 'archive_credentials',
  })
  await expect(openObjects('ftp://x', { environment })).rejects.toMatchObject({ reason: 'archive_url' })
})

test('a bucket that refuses or is away says so, without what it told of accounts', async () => {
  const objects = await open()
  s3.refusal = { status: 403, code: 'AccessDenied' }
  const refused = objects.add('a', new Uint8Array(1))
  await expect(refused).rejects.toMatchObject({ code: 'unavailable', reason: 'archive_refused' })
  await expect(objects.list('a')).rejects.toMatchObject({ reason: 'archive_refused' })
  s3.refusal = undefined
  const away = await openObjects('s3://b/x?endpoint=http://127.0.0.1:1', { environment })
  await expect(away.get('a')).rejects.toMatchObject({ code: 'unavailable', reason: 'archive_away' })
})
