// Months of traffic at their full size, reckoned once more in Python: see docs/testing.md.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Month, runMonth } from '../../packages/ledger/test/month/month.ts'
import { places } from '../../packages/ledger/test/month/terms.ts'
import { pythonWithZones, suite } from './tools.ts'

const program = join(import.meta.dirname, 'month.py')
const seed = Number(process.env.SWITCHYARD_MONTH_SEED ?? Date.now() % 1_000_000)
const events = Number(process.env.SWITCHYARD_MONTH_EVENTS ?? 50_000)

suite(
  `months of ${events} events and more, of the seed ${seed}, reckoned in Python`,
  await pythonWithZones(),
  python => {
    let month: Month & AsyncDisposable
    let folder: string
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'month-'))
      month = await runMonth(seed, events, 1)
      await write(folder, month)
    }, 1_800_000)
    afterAll(async () => {
      rmSync(folder, { recursive: true, force: true })
      await month?.[Symbol.asyncDispose]()
    })

    test.each([
      ['each event is there once, as it was asked', 'events'],
      [
        'MB4.I1, MB4.I2: every line, tax and total of every document is the same, to the last digit',
        'documents',
      ],
      ['MB3.I5: every balance is what was paid in less what was used', 'balances'],
    ])('%s', { timeout: 600_000 }, async (_, what) => {
      expect(month.kills).toBeGreaterThanOrEqual(10)
      expect(await differences(what)).toBe('')
    })

    test('one digit that is changed is found', async () => {
      const [first] = month.documents
      const line = first?.lines.find(({ kind }) => kind === 'usage')
      const changed = JSON.stringify(month.documents).replace(
        `"exact":"${line?.exact}"`,
        `"exact":"${line?.exact}1"`,
      )
      writeFileSync(join(folder, 'documents.json'), changed)
      expect(await differences('documents')).toContain(line?.exact)
      writeFileSync(join(folder, 'documents.json'), JSON.stringify(month.documents))
    }, 600_000)

    /** What the program found. */
    function differences(what: string): Promise<string> {
      return new Promise(done => {
        execFile(python, [program, what, folder], { maxBuffer: 1e9 }, (error, found, complaint) =>
          done(`${found}${complaint}`.slice(0, 5000) || (error?.message ?? '')),
        )
      })
    }
  },
)

/** All that it was made of and all that came out of it, as files. */
async function write(folder: string, { told, held, books, documents, cutoffs, sql }: Month): Promise<void> {
  const { rows: balances } = await sql.query(
    `select workspace, (-posted)::text as balance, (pending + sliced)::text as held,
       (select (-sum(amount))::text from ledger_entries e where e.account = a.id) as entries
     from accounts a where role = 'balance'`,
  )
  const file = (name: string, value: unknown) =>
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(value))
  writeFileSync(join(folder, 'told.jsonl'), told.map(each => `${JSON.stringify(each)}\n`).join(''))
  file('held', [...held.values()])
  file('books', books)
  file('documents', documents)
  file('balances', balances)
  file(
    'places',
    places.map(({ name, spec, topUp }) => ({ name, spec, topUp: topUp ?? null })),
  )
  file('cutoffs', cutoffs)
}
