// Appends without end and tells its parent what was acknowledged, until it is killed.
import { openJournal } from '@switchyard/store/journal'
import { used } from './used.ts'

const [, , folder = '', round = ''] = process.argv
const journal = await openJournal({ folder, clock: Date.now, observe: () => undefined, segmentBytes: 20_000 })

async function one(request: string): Promise<void> {
  await journal.append({ kind: 'open', admitted: used(request).admitted })
  process.send?.(['open', request])
  await journal.append({ kind: 'usage', ...used(request) })
  process.send?.(['end', request])
}

for (let i = 0; ; i += 4) {
  await Promise.all([0, 1, 2, 3].map(k => one(`${round}-${i + k}`)))
  if (i % 64 === 0) await new Promise(resolve => setTimeout(resolve, 1))
}
