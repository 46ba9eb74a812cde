// Turns what older keys wrap, slowly enough to be killed in the midst: each batch is told to the parent.
import { Client } from 'pg'
import { openStore } from '../src/index.ts'

const [url = '', root = ''] = process.argv.slice(2)
const opened = openStore({ url })
const vault = opened.openVault([Buffer.from(root, 'hex')])
const eyes = new Client({ connectionString: url, options: '-c search_path=switchyard' })
await eyes.connect()
const left = async () => {
  const { rows } = await eyes.query<{ count: string }>(
    'select count(*) from sealed_secrets s join secret_keys k on k.id = s.key_id where k.version = 1',
  )
  return Number(rows[0]?.count)
}
const before = await left()
const turning = vault.keys.rewrap()
for (;;) {
  const now = await left()
  if (now < before) process.send?.({ left: now })
  if (now === 0) break
}
await turning
