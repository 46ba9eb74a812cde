// What one of many does to endpoints and replicas of a cohort, by chance: whatever a person or control may write.
import { Fault } from '@switchyard/kinds'
import type { Store } from '@switchyard/runtime'
import { control, deleted, document, operator } from './given.ts'

export const workspaces = ['blue', 'green', 'red'] as const

/** Deterministic by its seed: a linear congruential generator. */
function chances(seed: number): (below: number) => number {
  let state = seed >>> 0
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Answers how many of `steps` writes were kept, and how many a quota refused. Others' races count as neither. */
export async function writeSome(store: Store, seed: number, steps: number) {
  const chance = chances(seed)
  const done = { kept: 0, refused: 0 }
  for (let number = 0; number < steps; number++) {
    const workspace = workspaces[chance(3)] ?? 'red'
    const name = `e${chance(3)}`
    const replica = `r${seed}-${number}`
    const acts: readonly (() => Promise<unknown>)[] = [
      () => ask(store, workspace, name, chance(5), chance(3)),
      () => ask(store, workspace, name, chance(5), chance(3)),
      () =>
        place(
          store,
          workspace,
          Array.from({ length: 1 + chance(3) }, (_, i) => `${replica}-${i}`),
          chance(3),
        ),
      () => place(store, workspace, [replica], chance(3)),
      () => vanish(store, workspace, chance),
    ]
    try {
      await acts[chance(acts.length)]?.()
      done.kept++
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      if (error.reason === 'quota_exceeded') done.refused++
      else if (!['conflict', 'stale', 'unavailable', 'not_found'].includes(error.code)) throw error
    }
  }
  return done
}

/** A person asks for so many replicas, each with so many devices. */
function ask(store: Store, workspace: string, name: string, replicas: number, devices: number) {
  return store.write(operator, async tx => {
    const stored = await tx.lock({ kind: 'Endpoint', workspace, name }, 'update')
    const resources = devices > 0 ? { resources: { accelerator: 'nvidia', devices } } : {}
    const spec = { replicas, paused: false, ...resources }
    return stored
      ? tx.update({ ...stored, spec }, null)
      : tx.insert(document('Endpoint', workspace, name, spec), [])
  })
}

/** Control places replicas, several in one transaction, with devices that no other has. */
function place(store: Store, workspace: string, names: readonly string[], count: number) {
  return store.write(control, async tx => {
    for (const name of names) {
      const devices = Array.from({ length: count }, (_, index) => `${name}/${index}`)
      const own = { nodes: ['local'], accelerator: 'nvidia', product: 'L4', devices }
      const spec = { endpoint: 'e0', ...(count > 0 ? { assignment: own } : {}) }
      await tx.insert(document('Replica', workspace, name, spec), [])
    }
  })
}

/** One of the replicas stops, or goes. */
function vanish(store: Store, workspace: string, chance: (below: number) => number) {
  return store.write(control, async tx => {
    const { items } = await tx.list({ kind: 'Replica', workspace })
    const chosen = items[chance(items.length || 1)]
    const stored =
      chosen && (await tx.lock({ kind: 'Replica', workspace, name: chosen.metadata.name }, 'update'))
    if (!stored) return
    const ways = [
      () => tx.remove(stored),
      () => tx.update({ ...stored, status: { state: 'Stopped' } }, null),
      () => tx.update(deleted(stored), null),
    ]
    await ways[chance(ways.length)]?.()
  })
}
