// What a quota lets a workspace have: counted, refused with its numbers, and never exceeded, however many write at once.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Document } from '@switchyard/kinds'
import type { Change } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { allow, caller, control, deleted, document, operator, put } from './given.ts'
import { workspaces, writeSome } from './quota-writer.ts'

interface Share {
  readonly nominal: number
  readonly borrow: number
  readonly lend: number
}

let db: TestDatabase
beforeEach(async () => {
  db = await testDatabase({ connections: 16 })
  for (const workspace of workspaces) await put(db.store, document('Workspace', null, workspace))
})
afterEach(() => db.close())

const quota = (workspace: string, replicas: Partial<Share>, cohort: string | undefined = 'lab') =>
  put(
    db.store,
    document('Quota', workspace, 'q', {
      ...(cohort === undefined ? {} : { cohort }),
      replicas: { nominal: 0, borrow: 0, lend: 0, ...replicas },
    }),
  )
const endpoint = (workspace: string, replicas: number, name = 'e', more: object = {}) =>
  put(db.store, document('Endpoint', workspace, name, { replicas, paused: false, ...more }))
/** Of replicas, or of one flavor of devices. */
const standing = async (workspace: string, accelerator?: string, product?: string) =>
  (await db.quotas.allowance(workspace))?.shares.find(
    share => share.accelerator === accelerator && share.product === product,
  )
let made = 0
const replica = (workspace: string) =>
  put(db.store, document('Replica', workspace, `r${++made}`, { endpoint: 'e' }), [], control)
const place = async (workspace: string, count: number) => {
  const all = []
  for (let number = 0; number < count; number++) all.push(await replica(workspace))
  return all
}
const exceeded = (message: string) => ({
  code: 'exhausted',
  reason: 'quota_exceeded',
  message: expect.stringContaining(message) as string,
})
const update = (as: typeof operator, next: Document) => db.store.write(as, tx => tx.update(next, null))

describe('SV9: a quota', () => {
  test('refuses an endpoint that asks for more than is left, and says what is used and left', async () => {
    await quota('red', { nominal: 3 }, undefined)
    await endpoint('red', 2)
    await expect(endpoint('red', 2, 'more')).rejects.toMatchObject(
      exceeded(
        'Quota q lets the endpoints of workspace red have 3 replicas, 3 of them its own. The others have 2, which leaves 1',
      ),
    )
    const one = await endpoint('red', 1, 'more')
    await expect(update(operator, { ...one, spec: { replicas: 2 } })).rejects.toMatchObject(
      exceeded('leaves 1'),
    )
    await endpoint('red', 9, 'paused', { paused: true })
    // What asks for no more than before passes, whatever the quota has become.
    const { items } = await db.store.read(control, tx => tx.list({ kind: 'Quota' }))
    await update(operator, {
      ...(items[0] as Document),
      spec: { replicas: { nominal: 1, borrow: 0, lend: 0 } },
    })
    await update(operator, { ...one, spec: { replicas: 1, other: true } })
    await endpoint('blue', 50)
  })

  test('refuses it in a dry run too, which keeps nothing', async () => {
    await quota('red', { nominal: 1 }, undefined)
    const dry = (replicas: number) =>
      db.store.write(operator, tx => tx.insert(document('Endpoint', 'red', 'dry', { replicas }), []), {
        dryRun: true,
      })
    await expect(dry(2)).rejects.toMatchObject(exceeded('leaves 1'))
    await dry(1)
    await endpoint('red', 1)
  })

  test('counts a replica until it is gone or stopped, drained or not', async () => {
    await quota('red', { nominal: 2 }, undefined)
    const [first, second] = await place('red', 2)
    await expect(replica('red')).rejects.toMatchObject(exceeded('use 2 replicas now, 2 of them its own'))
    const going = await update(control, deleted(first as Document))
    await expect(replica('red')).rejects.toMatchObject(exceeded('None is left'))
    await db.store.write(control, tx => tx.remove(going.documents.get(first?.metadata.id ?? '') as Document))
    await replica('red')
    await update(control, { ...(second as Document), status: { state: 'Stopped' } })
    await replica('red')
    expect(await db.quotas.allowance('red')).toMatchObject({ quota: 'q', returns: [] })
    expect(await standing('red')).toMatchObject({ used: 2, limit: 2, borrowed: 0, lent: 0 })
    expect(await db.quotas.allowance('blue')).toBeUndefined()
  })

  test('lends what its workspace neither uses nor asks for, and no more than each says', async () => {
    await quota('red', { nominal: 2, borrow: 3 })
    await quota('blue', { nominal: 4, lend: 3 })
    await quota('green', { nominal: 1 }, 'another')
    await endpoint('blue', 2)
    await place('red', 4)
    await expect(replica('red')).rejects.toMatchObject(exceeded('use 4 replicas now, 2 of them its own'))
    expect(await standing('red')).toMatchObject({ used: 4, limit: 4, borrowed: 2, lent: 0 })
    expect((await db.quotas.allowance('red'))?.returns).toEqual([])
    expect(await standing('blue')).toMatchObject({ used: 0, limit: 2, borrowed: 0, lent: 2 })
    await place('blue', 2)
    await expect(replica('blue')).rejects.toMatchObject(exceeded('use 2 replicas now, 4 of them its own'))
  })

  test('has borrowed replicas given back for what its own endpoints ask for: the newest, and none of anyone’s own', async () => {
    await quota('red', { nominal: 1, borrow: 2 })
    await quota('green', { nominal: 1, borrow: 2 })
    await quota('blue', { nominal: 3, lend: 3 })
    const red = await place('red', 2)
    const green = await place('green', 3)
    const names = (of: readonly Document[]) => of.map(({ metadata }) => metadata.name)
    expect((await db.quotas.allowance('green'))?.returns).toEqual([])
    const asks = await endpoint('blue', 2)
    expect((await db.quotas.allowance('green'))?.returns).toEqual(names(green.slice(1).toReversed()))
    expect((await db.quotas.allowance('red'))?.returns).toEqual([])
    await update(operator, { ...asks, spec: { replicas: 3 } })
    expect((await db.quotas.allowance('red'))?.returns).toEqual(names(red.slice(1)))
    // What is on its way out is not asked for twice, and still holds its place.
    const leaving = green[2] as Document
    await update(control, deleted(leaving))
    expect((await db.quotas.allowance('green'))?.returns).toEqual(names(green.slice(1, 2)))
    await expect(replica('blue')).rejects.toMatchObject(exceeded('use 0 replicas now'))
  })

  test('that is lowered ends nothing by itself', async () => {
    const given = await quota('red', { nominal: 3 }, undefined)
    await place('red', 3)
    await update(operator, { ...given, spec: { replicas: { nominal: 1, borrow: 0, lend: 0 } } })
    expect(await standing('red')).toMatchObject({ used: 3, limit: 1 })
    expect((await db.quotas.allowance('red'))?.returns).toEqual([])
  })

  test('is written by who holds the right everywhere, and read by its workspace', async () => {
    await allow(db.store, 'lea', 'red', ['*'])
    await allow(db.store, 'ada', null, ['quota:*'])
    const spec = { replicas: { nominal: 9, borrow: 0, lend: 0 } }
    const lea = caller('lea')
    await expect(put(db.store, document('Quota', 'red', 'q', spec), [], lea)).rejects.toMatchObject({
      code: 'denied',
    })
    const given = await put(db.store, document('Quota', 'red', 'q', spec), [], caller('ada'))
    const seen = await db.store.read(lea, tx => tx.list({ kind: 'Quota' }))
    expect(seen.items).toHaveLength(1)
    for (const attempt of [{ ...given, spec: { ...spec, more: 1 } }, deleted(given)])
      await expect(update(lea, attempt)).rejects.toMatchObject({ code: 'denied' })
    await expect(db.store.write(lea, tx => tx.remove(given))).rejects.toMatchObject({ code: 'denied' })
    await expect(put(db.store, document('Quota', 'red', 'second', spec))).rejects.toMatchObject({
      code: 'conflict',
    })
  })
})

describe('SV9: a quota of devices', () => {
  const flavors = (workspace: string, ...given: readonly object[]) =>
    put(
      db.store,
      document('Quota', workspace, 'q', {
        cohort: 'lab',
        flavors: given.map(each => ({ accelerator: 'nvidia', nominal: 0, borrow: 0, lend: 0, ...each })),
      }),
    )
  const asks = (workspace: string, name: string, replicas: number, resources: object) =>
    endpoint(workspace, replicas, name, { resources: { accelerator: 'nvidia', ...resources } })
  let device = 0
  const holding = (workspace: string, count: number, product = 'L4', accelerator = 'nvidia') => {
    const devices = Array.from({ length: count }, () => `${++device}`)
    const assignment = { nodes: ['local'], accelerator, product, devices }
    return put(
      db.store,
      document('Replica', workspace, `r${++made}`, { endpoint: 'e', assignment }),
      [],
      control,
    )
  }

  test('counts replicas times devices, by accelerator and by product, and says which is used up', async () => {
    await flavors('red', { nominal: 6 }, { product: 'L4', nominal: 4 })
    await asks('red', 'a', 1, { product: 'L4', devices: 3 })
    await expect(asks('red', 'b', 1, { product: 'L4', devices: 2 })).rejects.toMatchObject(
      exceeded(
        'Quota q lets the endpoints of workspace red have 4 devices of nvidia L4, 4 of them its own. The others have 3, which leaves 1: ask for at most so many, or have the quota raised.',
      ),
    )
    const other = await asks('red', 'b', 1, { product: 'T4', devices: 2 })
    await expect(asks('red', 'c', 2, { devices: 1 })).rejects.toMatchObject(
      exceeded('have 6 devices of nvidia, 6 of them its own. The others have 5, which leaves 1'),
    )
    await expect(
      update(operator, {
        ...other,
        spec: { replicas: 2, resources: { accelerator: 'nvidia', product: 'T4', devices: 2 } },
      }),
    ).rejects.toMatchObject(exceeded('leaves 3'))
    // The same replicas with other devices are counted anew; another vendor's, and replicas without any, are not limited.
    await expect(
      update(operator, {
        ...other,
        spec: { replicas: 1, resources: { accelerator: 'nvidia', product: 'L4', devices: 2 } },
      }),
    ).rejects.toMatchObject(exceeded('devices of nvidia L4'))
    await asks('red', 'd', 9, { accelerator: 'amd', devices: 8 })
    await endpoint('red', 50, 'plain')
    expect(await standing('red', 'nvidia')).toMatchObject({ declared: 5, used: 0, limit: 6 })
    expect(await standing('red', 'nvidia', 'L4')).toMatchObject({ declared: 3, limit: 4 })
    expect(await standing('red')).toBeUndefined()
  })

  test('counts what a replica was given, whether its endpoint named the product or not', async () => {
    await flavors('red', { nominal: 4 }, { product: 'L4', nominal: 2 })
    await holding('red', 1)
    await expect(holding('red', 2)).rejects.toMatchObject(
      exceeded(
        'Quota q lets workspace red use 2 devices of nvidia L4 now, 2 of them its own. 1 are left, and a replica needs 2.',
      ),
    )
    await holding('red', 3, 'T4')
    await expect(holding('red', 1)).rejects.toMatchObject(exceeded('use 4 devices of nvidia now'))
    await holding('red', 8, '910B', 'ascend')
    await replica('red')
    expect(await standing('red', 'nvidia')).toMatchObject({ used: 4, limit: 4 })
  })

  test('lends each flavor by itself, and has it given back for what its own endpoints ask for', async () => {
    await flavors('red', { product: 'L4', nominal: 1, borrow: 4 }, { product: 'T4', nominal: 1, borrow: 4 })
    await flavors('blue', { product: 'L4', nominal: 4, lend: 4 }, { product: 'T4', nominal: 4, lend: 0 })
    const l4 = [await holding('red', 1), await holding('red', 2), await holding('red', 2)]
    await holding('red', 1, 'T4')
    await expect(holding('red', 1, 'T4')).rejects.toMatchObject(exceeded('use 1 devices of nvidia T4 now'))
    expect(await standing('blue', 'nvidia', 'L4')).toMatchObject({ lent: 4, limit: 0 })
    expect(await standing('blue', 'nvidia', 'T4')).toMatchObject({ lent: 0, limit: 4 })
    const names = (of: readonly Document[]) => of.map(({ metadata }) => metadata.name)
    expect((await db.quotas.allowance('red'))?.returns).toEqual([])
    // Three are needed: the newest replica has two of them, the next the third.
    const needing = await asks('blue', 'e', 1, { product: 'L4', devices: 2 })
    expect((await db.quotas.allowance('red'))?.returns).toEqual(names(l4.slice(2)))
    await update(operator, {
      ...needing,
      spec: { replicas: 1, resources: { accelerator: 'nvidia', product: 'L4', devices: 3 } },
    })
    expect((await db.quotas.allowance('red'))?.returns).toEqual(names(l4.slice(1).toReversed()))
    // What is its own it keeps, whatever the lender asks for.
    await update(operator, {
      ...needing,
      spec: { replicas: 4, resources: { accelerator: 'nvidia', product: 'L4', devices: 1 } },
    }).catch(() => undefined)
    expect((await db.quotas.allowance('red'))?.returns).not.toContain(l4[0]?.metadata.name)
  })
})

const share = fc
  .record({ nominal: fc.nat(6), borrow: fc.nat(4), lend: fc.nat(6) })
  .map(given => ({ ...given, lend: Math.min(given.lend, given.nominal) }))

const child = fileURLToPath(new URL('./quota.child.ts', import.meta.url))
const run = promisify(execFile)

type Flavor = 'replicas' | 'nvidia'
/** How much of a flavor one replica of a document is. */
const weighs: Readonly<Record<Flavor, (spec: Written) => number>> = {
  replicas: () => 1,
  nvidia: ({ resources, assignment }) => resources?.devices ?? assignment?.devices.length ?? 0,
}
interface Written {
  readonly replicas?: number
  readonly resources?: { readonly devices: number }
  readonly assignment?: { readonly devices: readonly string[] }
}

/** What is there after each commit, by the log: that it is within the quotas, counted anew and not as the database does. */
function audit(changes: readonly Change[], shares: ReadonlyMap<string, Share>, flavor: Flavor) {
  const used = new Map<string, { readonly workspace: string; readonly count: number }>()
  const asked = new Map<string, { readonly workspace: string; readonly count: number }>()
  let places = 0
  for (const { type, document: at } of changes) {
    const { id, workspace } = at.metadata
    if (workspace === null) continue
    const spec = at.spec as Written
    if (at.kind === 'Endpoint') {
      const had = asked.get(id)?.count ?? 0
      const count = (spec.replicas ?? 0) * weighs[flavor](spec)
      asked.set(id, { workspace, count })
      if (count <= had) continue
    } else if (at.kind === 'Replica') {
      const gone = type === 'DELETED' || (at.status as { state?: string }).state === 'Stopped'
      const count = weighs[flavor](spec)
      if (gone) used.delete(id)
      else used.set(id, { workspace, count })
      if (type !== 'ADDED' || count === 0) continue
    } else continue
    places++
    const counts = new Map(
      [...shares.keys()].map(name => [
        name,
        [...(at.kind === 'Replica' ? used : asked).values()]
          .filter(each => each.workspace === name)
          .reduce((sum, { count }) => sum + count, 0),
      ]),
    )
    const beyond = (name: string) => Math.max(0, (counts.get(name) ?? 0) - (shares.get(name)?.nominal ?? 0))
    const spare = (name: string) => {
      const { nominal, lend } = shares.get(name) as Share
      return Math.min(lend, Math.max(0, nominal - (counts.get(name) ?? 0)))
    }
    const sum = (of: (name: string) => number) => [...shares.keys()].reduce((all, name) => all + of(name), 0)
    const said = `${flavor}, ${at.kind} in ${workspace}: ${JSON.stringify([...counts])} of ${JSON.stringify([...shares])}`
    expect(beyond(workspace), said).toBeLessThanOrEqual(shares.get(workspace)?.borrow ?? 0)
    // Who stays within what is its own may ask for it, whoever has borrowed it: only placing waits.
    if (at.kind === 'Replica' || beyond(workspace) > 0)
      expect(sum(beyond), said).toBeLessThanOrEqual(sum(spare))
  }
  return places
}

test('SV9: many writers of two processes never exceed a quota, nor a cohort what it has', async () => {
  const places = { replicas: 0, nvidia: 0 }
  let refused = 0
  let seed = 1
  const three = fc.tuple(share, share, share)
  await fc.assert(
    fc.asyncProperty(three, three, async (replicas, devices) => {
      await using own = await testDatabase({ connections: 16 })
      for (const [index, name] of workspaces.entries()) {
        const flavors = [{ accelerator: 'nvidia', ...devices[index] }]
        await put(own.store, document('Workspace', null, name))
        await put(
          own.store,
          document('Quota', name, 'q', { cohort: 'lab', replicas: replicas[index], flavors }),
        )
      }
      const before = await own.store.version(control)
      seed += 1000
      const other = run(process.execPath, [child, own.url, String(seed), '12', '6'])
      const here = await Promise.all(
        Array.from({ length: 6 }, (_, writer) => writeSome(own.store, seed + 500 + writer, 12)),
      )
      const there = JSON.parse((await other).stdout) as typeof here
      const { changes } = await own.store.changes(control, before, 10_000)
      for (const [flavor, shares] of Object.entries({ replicas, nvidia: devices } as const)) {
        const by = new Map(workspaces.map((name, index) => [name as string, shares[index] as Share]))
        places[flavor as Flavor] += audit(changes, by, flavor as Flavor) // a key of what stands above
      }
      refused += [...here, ...there].reduce((sum, each) => sum + each.refused, 0)
    }),
    { numRuns: 8 },
  )
  expect(places.replicas).toBeGreaterThan(100)
  expect(places.nvidia).toBeGreaterThan(60)
  expect(refused).toBeGreaterThan(100)
}, 120_000)
