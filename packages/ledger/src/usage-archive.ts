// The archive of usage outside of the database: each sealed batch as compressed lines of JSON, named by its number and its
// root, and beside them what each issued document was reckoned with. With it alone an invoice is verified.
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { createGzip, gunzip } from 'node:zlib'
import { Fault } from '@switchyard/kinds'
import {
  type BatchStore,
  type Clock,
  type Held,
  type InvoiceStore,
  type InvoiceWork,
  type Objects,
  type Observe,
  type SealedBatch,
  type Turns,
  takeTurns,
} from '@switchyard/runtime'
import { archiveOf } from './invoice/archive.ts'
import { Root } from './root.ts'

export type ArchiveObservation =
  | { readonly type: 'batch_archived'; readonly batch: string; readonly events: string }
  | { readonly type: 'invoice_archived'; readonly number: string }
  | { readonly type: 'archiving_failed'; readonly error: unknown }

export interface ArchivingOptions {
  readonly batches: BatchStore
  readonly invoices: InvoiceStore
  readonly archive: Objects
  readonly observe: Observe<ArchiveObservation>
}

const pollMilliseconds = 1000
const retryMilliseconds = 5000
const some = 100
const batchesOfFolder = 1000n
const control = { role: 'control' } as const
const unzip = promisify(gunzip)

/** Names of the batches that stand beside this one begin so. */
export const folderOf = (batch: bigint): string =>
  `usage/${String(batch / batchesOfFolder).padStart(12, '0')}/`
const prefixOf = (batch: bigint) => `${folderOf(batch)}${String(batch).padStart(15, '0')}-`
const batchPath = ({ number, root }: Pick<SealedBatch, 'number' | 'root'>) =>
  `${prefixOf(BigInt(number))}${root}.jsonl.gz`
export const documentPath = (number: string): string => `invoices/${encodeURIComponent(number)}.jsonl.gz`

/** Undefined when it is no name of a batch. */
export function parseBatchPath(path: string): { readonly number: bigint; readonly root: string } | undefined {
  const [, number, root] = /^usage\/\d{12}\/(\d{15,})-([0-9a-f]{64})\.jsonl\.gz$/.exec(path) ?? []
  return number === undefined || root === undefined ? undefined : { number: BigInt(number), root }
}

/** The first line of a document's file: where its periods begin among the batches. */
export interface DocumentHead {
  /** Last batch that counts; null of a note that a person wrote. */
  readonly cutoff: string | null
  /** Of each period its first batch; null when it has no event. */
  readonly first: readonly (string | null)[]
}

/** Runs while the lease is held; a failure is told and tried again. */
export function keepArchive(
  options: ArchivingOptions & { readonly clock: Clock },
  held: Held,
  signal: AbortSignal,
): Promise<void> {
  const { clock, observe } = options
  const turns: Turns = {
    async turn(stop) {
      await archiveUsage(options, stop)
    },
    failed: error => observe({ type: 'archiving_failed', error }),
    pause: pollMilliseconds,
    retry: retryMilliseconds,
    clock,
  }
  return takeTurns(turns, signal, held)
}

/** All that is sealed and issued by now. */
export async function archiveUsage(options: ArchivingOptions, signal?: AbortSignal): Promise<void> {
  const { batches, invoices, archive, observe } = options
  for (
    let sealed = await batches.unarchived(some);
    sealed.length > 0;
    sealed = await batches.unarchived(some)
  )
    for (const batch of sealed) {
      if (signal?.aborted) return
      await putBatch(batch, options)
      await batches.markArchived(batch.number)
      observe({ type: 'batch_archived', batch: batch.number, events: batch.events })
    }
  for (
    let issued = await invoices.unarchived(some);
    issued.length > 0;
    issued = await invoices.unarchived(some)
  )
    for (const work of issued) {
      if (signal?.aborted) return
      const number = work.number ?? ''
      await put(archive, documentPath(number), linesOf(work, invoices))
      await invoices.markArchived(work.id)
      observe({ type: 'invoice_archived', number })
    }
}

async function putBatch(batch: SealedBatch, { batches, archive }: ArchivingOptions): Promise<void> {
  const path = batchPath(batch)
  const standing = await archive.list(prefixOf(BigInt(batch.number)))
  if (standing.some(name => name !== path))
    throw new Fault(
      'conflict',
      `The archive holds another batch ${batch.number}: the database was restored from an older copy. Keep this archive as it is, and name another one for what comes now.`,
      { reason: 'archive_ahead' },
    )
  const root = new Root()
  const gzip = createGzip()
  const bytes = buffer(gzip)
  const { number: name, events, openedAt, closedAt } = batch
  gzip.write(`${JSON.stringify({ batch: name, events, root: batch.root, openedAt, closedAt })}\n`)
  await batches.events(name, async page => {
    for (const { hash } of page) root.add(hash)
    const text = page.map(event => `${event.text}\n`).join('')
    if (page.length > 0 && !gzip.write(text)) await once(gzip, 'drain')
  })
  gzip.end()
  if (root.hex() !== batch.root)
    throw new Fault(
      'conflict',
      `Batch ${name} is not what it was sealed as: events in the database were altered. Keep a copy of it, and compare with the last backup.`,
      { reason: 'batch_altered' },
    )
  await add(archive, path, await bytes)
}

async function* linesOf(work: InvoiceWork, invoices: InvoiceStore): AsyncGenerator<string> {
  const { cutoff, workspace } = work
  const lines = await Array.fromAsync(archiveOf(invoices, control, work, { events: false }))
  const first: (string | null)[] = []
  for (const line of lines) {
    const period = periodIn(line)
    if (period && cutoff !== null)
      first.push((await invoices.firstBatch({ workspace, cutoff, ...period })) ?? null)
  }
  yield `${JSON.stringify({ cutoff, first } satisfies DocumentHead)}\n`
  yield* lines
}

/** What a line that opens a period says of it. */
export function periodIn(line: string): { readonly from: string; readonly to: string } | undefined {
  if (!line.startsWith('{"period":')) return undefined
  // Why `as`: `archiveOf` wrote it.
  const { period } = JSON.parse(line) as { readonly period: { readonly from: string; readonly to: string } }
  return { from: period.from, to: period.to }
}

async function put(archive: Objects, path: string, lines: AsyncIterable<string>): Promise<void> {
  const gzip = createGzip()
  const bytes = buffer(gzip)
  for await (const line of lines) if (!gzip.write(line)) await once(gzip, 'drain')
  gzip.end()
  await add(archive, path, await bytes)
}

/** Who was killed before it was marked has put it there already; another zlib may have written other bytes. */
async function add(archive: Objects, path: string, bytes: Uint8Array): Promise<void> {
  try {
    await archive.add(path, bytes)
  } catch (error) {
    if (!(error instanceof Fault) || error.reason !== 'object_differs') throw error
    const standing = await archive.get(path)
    if (!standing || !(await unzip(standing)).equals(await unzip(bytes))) throw error
  }
}
