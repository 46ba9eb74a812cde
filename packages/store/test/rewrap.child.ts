// Turns what older keys wrap until it is killed; tells its parent when it begins.
import { openStore } from '../src/index.ts'

const [url = '', root = ''] = process.argv.slice(2)
const { keys } = openStore({ url }).openVault([Buffer.from(root, 'hex')])
await keys.refresh()
process.send?.('turning')
for (;;) await keys.rewrap()
