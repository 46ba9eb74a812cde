// Plans, drafts and issues the months until it is killed or told to stop; several of them at once are one.
import { setTimeout as sleep } from 'node:timers/promises'
import { type DocumentOf, legalEntity, workspace } from '@switchyard/kinds'
import { openStore } from '@switchyard/store'
import { invoiceDue, plansOf } from '../../src/invoice/issue.ts'
import { entity, places } from './terms.ts'

const [url = '', at = ''] = process.argv.slice(2)
const now = () => Date.parse(at)
const store = openStore({ url, connections: 3 })
const { prices } = store
const say = (word: string) => process.stdout.write(`${word}\n`)
const invoices: typeof store.invoices = {
  ...store.invoices,
  begin(...all) {
    say('begin')
    return store.invoices.begin(...all)
  },
  finish(...all) {
    say('finish')
    return store.invoices.finish(...all)
  },
}
// Why `as`: plans are made of a name and a spec.
const seller = { metadata: { name: 'yard' }, spec: legalEntity.spec.parse(entity) } as DocumentOf<
  typeof legalEntity
>
const buyers = places.map(
  ({ name, spec }) =>
    ({ metadata: { name }, spec: workspace.spec.parse(spec) }) as DocumentOf<typeof workspace>,
)

const ending = new AbortController()
process.stdin.once('end', () => ending.abort()).resume()
for (const buyer of buyers) for (const plan of plansOf(buyer, seller, now())) await invoices.plan(plan)
say('finished') // with its plans: it goes on until it is told
while (!ending.signal.aborted) {
  await invoiceDue({
    invoices,
    prices,
    now,
    // Two that issue the same: one of them finds that it is done.
    observe: each => say(each.type === 'invoicing_failed' ? `failed ${String(each.error)}` : each.type),
  })
  await sleep(50)
}
await store.close()
