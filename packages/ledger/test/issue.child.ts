// Issues what is due until it is killed.
import { openStore } from '@switchyard/store'
import { invoiceDue } from '../src/invoice/issue.ts'

const [url = '', at = ''] = process.argv.slice(2)
const { invoices, prices } = openStore({ url })
const now = () => Date.parse(at)
await invoices.due(at)
process.stdout.write('ready\n')
for (;;) await invoiceDue({ invoices, prices, now, observe: () => {} })
