// Changes projects without end until it is killed: DATABASE NAME.
import { openStore } from '@switchyard/store'
import { document, operator } from '../../store/test/given.ts'

const [url = '', name = ''] = process.argv.slice(2)
const { store } = openStore({ url, connections: 4 })
// Tells each project that is done, and is killed between two.
const say = () => process.stdout.write('done\n')

async function one(number: string): Promise<void> {
  const key = { kind: 'Project', workspace: 'default', name: `${name}-${number}` }
  await store.write(operator, tx => tx.insert(document(key.kind, key.workspace, key.name, { n: 0 }), []))
  for (const n of [1, 2])
    await store.write(operator, async tx => {
      const standing = await tx.lock(key, 'update')
      if (standing) await tx.update({ ...standing, spec: { n } }, null)
    })
  await store.write(operator, async tx => {
    const standing = await tx.lock(key, 'update')
    if (standing && number.endsWith('0')) await tx.remove(standing)
  })
  say()
}

for (let turn = 0; ; turn++) await Promise.all(['0', '1', '2'].map(lane => one(`${turn}-${lane}`)))
