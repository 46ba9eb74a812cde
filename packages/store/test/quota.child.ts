// One of two processes that write into the same cohort.
import { openStore } from '@switchyard/store'
import { writeSome } from './quota-writer.ts'

const [url = '', seed = '0', steps = '0', writers = '0'] = process.argv.slice(2)
await using opened = openStore({ url, connections: 8 })
const all = await Promise.all(
  Array.from({ length: Number(writers) }, (_, writer) =>
    writeSome(opened.store, Number(seed) + writer, Number(steps)),
  ),
)
process.stdout.write(JSON.stringify(all))
