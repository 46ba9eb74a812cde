// What keeping the log of the trail costs: numbering entries into the tree, beside a plain insert of the same rows with
// a SHA-256 each; and checking an archive, beside hashing its bytes. Medians of rounds that take turns in one run.
//   node bench/audit.ts           prints, and keeps results/audit.md
//   node bench/audit.ts --quick   a tenth of it, and keeps nothing
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { filesObjects } from '@switchyard/drivers/objects/files'
import {
  newSigner,
  numbering,
  publish,
  readSigner,
  tilePath,
  unbundle,
  verifyArchive,
} from '@switchyard/ledger'
import { testDatabase, testPersons } from '@switchyard/store/testing'
import { Client } from 'pg'

const quick = process.argv.includes('--quick')
const entries = quick ? 5_000 : 20_000
const rounds = 5
/** As the server does it. */
const batch = 4000

/** Where a plain insert is fastest. */
const plainBatch = 1000

/** Changes of a document of about a kilobyte, as the store writes them, told in three workspaces. */
const filling = `
insert into switchyard.audit_pending (entry)
select jsonb_build_object('id', gen_random_uuid(), 'time', '2026-11-20T08:00:00.000Z', 'workspace', (array['red', 'blue', null])[1 + i % 3],
  'action', 'endpoint.update', 'outcome', 'success', 'rule', 'endpoint:update',
  'actor', '{"type":"user","id":"user:ann","name":"ann","method":"session"}'::jsonb,
  'resource', jsonb_build_object('kind', 'Endpoint', 'name', 'chat-' || i, 'uid', gen_random_uuid(), 'version', i::text),
  'origin', '{"ip":"10.1.2.3","agent":"switchyard-cli","request":"01a1ff93-1472-7cb1-9db8-042e5ea6377d"}'::jsonb,
  'before', jsonb_build_object('metadata', jsonb_build_object('name', 'chat-' || i, 'labels', '{"team":"a","tier":"gold"}'::jsonb), 'spec', jsonb_build_object('replicas', 1, 'model', 'tiny', 'text', repeat('x', 300))),
  'after', jsonb_build_object('metadata', jsonb_build_object('name', 'chat-' || i, 'labels', '{"team":"a","tier":"gold"}'::jsonb), 'spec', jsonb_build_object('replicas', 2, 'model', 'tiny', 'text', repeat('x', 300))))
from generate_series(1, $1::int) i`

const database = await testDatabase()
const eyes = new Client({ connectionString: database.url })
await eyes.connect()
await eyes.query('create table plain_log (seq bigint primary key, leaf bytea not null, entry text not null)')
await database.audit.claim(1n)
// As the server does it: who is named in an entry is sealed.
const sealing = numbering(testPersons(database))

/** Processor seconds of this process and of the database's backends so far; clock ticks are hundredths. */
async function processor(): Promise<number> {
  const { rows } = await eyes.query<{ pid: number }>(
    'select pid from pg_stat_activity where datname = current_database()',
  )
  const { user, system } = process.cpuUsage()
  const ticks = rows.map(({ pid }) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return Number(fields[11]) + Number(fields[12])
  })
  return (user + system) / 1e6 + ticks.reduce((sum, one) => sum + one, 0) / 100
}

const seconds = async (work: () => Promise<void>): Promise<number> => {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

async function fill(): Promise<void> {
  await eyes.query(filling, [entries])
  await eyes.query('vacuum analyze switchyard.audit_pending')
}

async function number(): Promise<void> {
  while ((await database.audit.sequence(1n, batch, sealing)) === batch);
}

/** The reference: the same texts, hashed and inserted in batches, in transactions of their own. */
let plainSeq = 0
async function insertPlainly(texts: readonly string[]): Promise<void> {
  for (let at = 0; at < texts.length; at += plainBatch) {
    const some = texts.slice(at, at + plainBatch)
    const leaves = some.map(text => createHash('sha256').update(text).digest('hex'))
    await eyes.query('begin')
    await eyes.query({
      name: 'plain',
      text: `insert into plain_log select seq, decode(leaf, 'hex'), entry from unnest($1::bigint[], $2::text[], $3::text[]) as t(seq, leaf, entry)`,
      values: [some.map(() => plainSeq++), leaves, some],
    })
    await eyes.query('commit')
  }
}

const taken = {
  number: [] as number[],
  plain: [] as number[],
  busy: [] as number[],
  plainBusy: [] as number[],
}
for (let round = 0; round <= rounds; round++) {
  await fill()
  const before = await processor()
  const mine = await seconds(number)
  const busy = (await processor()) - before
  const { size } = await database.audit.head()
  const texts = await database.audit.entries(size - entries, size)
  const then = await processor()
  const plain = await seconds(() => insertPlainly(texts))
  const plainBusy = (await processor()) - then
  // The first one warms up.
  if (round > 0) {
    taken.number.push(mine)
    taken.plain.push(plain)
    taken.busy.push(busy)
    taken.plainBusy.push(plainBusy)
  }
}

const folder = await mkdtemp(join(tmpdir(), 'switchyard-bench-'))
const archive = filesObjects(folder)
const signer = readSigner(newSigner('switchyard.test/log', new Uint8Array(32).fill(1)))
await publish({ audit: database.audit, archive, signers: [signer] }, true)
const { size } = await database.audit.head()

/** The reference: every bundle read and every entry hashed, and nothing else. */
async function hashPlainly(): Promise<void> {
  for (let n = 0; n * 256 < size; n++) {
    const bytes = await archive.get(tilePath('entries', n, Math.min(256, size - n * 256)))
    for (const entry of unbundle(bytes ?? new Uint8Array(0))) createHash('sha256').update(entry).digest()
  }
}

async function verify(): Promise<void> {
  const { verdict, problem } = await verifyArchive({ archive, verifiers: [signer] })
  if (verdict !== 'whole') throw new Error(problem)
}

const checked = { verify: [] as number[], hash: [] as number[] }
for (let round = 0; round <= rounds; round++) {
  const [mine, plain] = [await seconds(verify), await seconds(hashPlainly)]
  if (round === 0) continue
  checked.verify.push(mine)
  checked.hash.push(plain)
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
const rate = (count: number, values: readonly number[]) => Math.round(count / median(values))
const microseconds = (values: readonly number[]) => Math.round((median(values) * 1e6) / entries)
const rows = [
  {
    what: 'number entries into the log',
    mine: rate(entries, taken.number),
    reference: rate(entries, taken.plain),
    of: 'insert and SHA-256',
    bar: 0.3,
  },
  {
    what: 'verify an archive',
    mine: rate(size, checked.verify),
    reference: rate(size, checked.hash),
    of: 'read and SHA-256',
    bar: 0.3,
  },
]
const { rows: sizes } = await eyes.query<{ bytes: string }>(
  'select avg(octet_length(entry))::int as bytes from switchyard.audit_log',
)
const thousands = (value: number) => value.toLocaleString('en')
const text = [
  '# What keeping the log of the trail costs',
  '',
  `\`node bench/audit.ts\`: ${thousands(entries)} entries of ${sizes[0]?.bytes} bytes a round, batches of ${thousands(batch)} (the plain insert's of ${thousands(plainBatch)}, where it is fastest), medians of ${rounds} rounds that`,
  `take turns; ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)} at the end, and PostgreSQL on the same ones (without fsync, for both).`,
  '',
  '| | entries/s | reference | entries/s | ratio | bar |',
  '|---|---:|---|---:|---:|---|',
  ...rows.map(
    ({ what, mine, reference, of, bar }) =>
      `| ${what} | ${thousands(mine)} | ${of} | ${thousands(reference)} | ${(mine / reference).toFixed(2)}x | at least ${bar}x: ${mine / reference >= bar ? 'met' : 'missed'} |`,
  ),
  '',
  `On the processor an entry takes ${microseconds(taken.busy)} µs to number, of this process and of PostgreSQL together, and ${microseconds(taken.plainBusy)} µs to insert plainly:`,
  'that is what does not grow with what else the machine does.',
  '',
  `Sequencing at least 10,000 entries/s: ${(rows[0]?.mine ?? 0) >= 10_000 ? 'met' : 'missed'}.`,
  '',
].join('\n')
console.log(text)
if (!quick) await writeFile(new URL('./results/audit.md', import.meta.url), text)
await rm(folder, { recursive: true, force: true })
await eyes.end()
await database.close()
