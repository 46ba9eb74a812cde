// A document as its own archive, put together from the archive of usage: the events of each period are looked for in the
// batches that it counts.
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Fault } from '@switchyard/kinds'
import type { BilledEvent, Objects } from '@switchyard/runtime'
import { Root } from '../root.ts'
import { type DocumentHead, documentPath, folderOf, parseBatchPath, periodIn } from '../usage-archive.ts'

const unzip = promisify(gunzip)
const eventsOfLine = 2000

/** What a line of a batch says, of which an invoice reads this. */
type ArchivedLine = Omit<BilledEvent, 'project'> & {
  readonly workspace: string
  readonly billable: 'caller' | 'cost'
  readonly project?: string
}

interface Period {
  readonly workspace: string
  readonly from: string
  readonly to: string
  readonly first: bigint
  readonly cutoff: bigint
}

/**
 * Lines for `verifyInvoice`. `not_found` when the document or a batch that it counts is not there, `invalid` (`no_archive`)
 * when a batch is not what its name says.
 */
export async function* archivedInvoice(archive: Objects, number: string): AsyncGenerator<string> {
  const [head = '', ...lines] = await linesIn(archive, documentPath(number))
  // Why `as`: whoever wrote the archive wrote it so; what is wrong within comes out as a difference.
  const { cutoff, first } = JSON.parse(head) as DocumentHead
  const workspace = workspaceIn(lines[0] ?? '{}')
  let place = 0
  for (const line of lines) {
    yield `${line}\n`
    const period = periodIn(line)
    const begin = period && first[place++]
    if (!period || begin == null || cutoff === null) continue
    const events = await eventsOf(archive, {
      workspace,
      ...period,
      first: BigInt(begin),
      cutoff: BigInt(cutoff),
    })
    for (let at = 0; at < events.length; at += eventsOfLine)
      yield `${JSON.stringify({ events: events.slice(at, at + eventsOfLine) })}\n`
  }
}

function workspaceIn(line: string): string {
  // Why `as`: as above.
  const { document } = JSON.parse(line) as { readonly document?: { readonly workspace: string } }
  return document?.workspace ?? ''
}

/** In the order of time, source, id. */
async function eventsOf(archive: Objects, period: Period): Promise<readonly BilledEvent[]> {
  const [from, to] = [momentOf(period.from), momentOf(period.to)]
  const found: BilledEvent[] = []
  for await (const { path, root } of batchesOf(archive, period)) {
    const leaves = new Root()
    const [, ...lines] = await linesIn(archive, path)
    for (const line of lines) {
      const event = JSON.parse(line) as ArchivedLine // as above
      leaves.add(Buffer.from(event.hash, 'hex'))
      const { workspace, billable, time } = event
      if (workspace === period.workspace && billable === 'caller' && time >= from && time < to)
        found.push(billedOf(event))
    }
    if (leaves.hex() !== root) throw damaged(path, 'its events are not those of its root')
  }
  return found.sort(
    (one, other) =>
      compare(one.time, other.time) || compare(one.source, other.source) || compare(one.id, other.id),
  )
}

/** As the store writes it: microseconds. */
const momentOf = (time: string) => new Date(time).toISOString().replace('Z', '000Z')

const compare = (one: string, other: string): number =>
  one === other ? 0 : Buffer.compare(Buffer.from(one), Buffer.from(other))

function billedOf({
  hash,
  id,
  model,
  project,
  quantities,
  region,
  source,
  tier,
  time,
}: ArchivedLine): BilledEvent {
  const how = tier === 'standard' ? null : (tier ?? null)
  return {
    id,
    source,
    time,
    hash,
    project: project ?? null,
    model,
    tier: how,
    region: region ?? null,
    quantities,
  }
}

/** Each batch from the first to the last, once. */
async function* batchesOf(
  archive: Objects,
  { first, cutoff }: Period,
): AsyncGenerator<{ readonly path: string; readonly root: string }> {
  let next = first
  for (let folder = folderOf(first); next <= cutoff; folder = folderOf(next)) {
    for (const path of await archive.list(folder)) {
      const batch = parseBatchPath(path)
      if (!batch || batch.number < next - 1n || batch.number > cutoff) continue
      if (batch.number === next - 1n && next > first) throw damaged(path, 'another one has its number')
      if (batch.number < next) continue
      if (batch.number > next) break
      yield { path, root: batch.root }
      next += 1n
    }
    if (folder === folderOf(next) && next <= cutoff)
      throw new Fault('not_found', `Batch ${next} is not in the archive, and it counts up to ${cutoff}.`, {
        reason: 'archive_incomplete',
      })
  }
}

async function linesIn(archive: Objects, path: string): Promise<readonly string[]> {
  const bytes = await archive.get(path)
  if (!bytes) throw new Fault('not_found', `${path} is not in the archive.`, { reason: 'archive_incomplete' })
  try {
    return (await unzip(bytes)).toString('utf8').trimEnd().split('\n')
  } catch (cause) {
    throw damaged(path, 'it cannot be unpacked', cause)
  }
}

const damaged = (path: string, why: string, cause?: unknown) =>
  new Fault('invalid', `${path} in the archive is damaged: ${why}.`, { reason: 'no_archive', cause })
