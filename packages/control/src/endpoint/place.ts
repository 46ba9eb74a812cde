// Where replicas go and which devices become their own: those of the machine that nobody holds. Pure.
import type { Claim, Reserved } from '@switchyard/runtime'
import { type ClusterDocument, claim, type ReplicaDocument, type RevisionDocument } from '../documents.ts'

export type Needs = NonNullable<RevisionDocument['spec']['template']['resources']>
export type Assignment = NonNullable<ReplicaDocument['spec']['assignment']>

/** The cluster of an endpoint as it was last seen, and what is held there. */
export interface Ground {
  /** As the endpoint names it. */
  readonly name: string
  readonly cluster: ClusterDocument | undefined
  /** Undefined while the cluster has not told on which machine it is. */
  readonly reserved: Reserved | undefined
}

export interface Placed {
  /** At most as many as were asked for. */
  readonly assignments: readonly Assignment[]
  /** None for replicas that need nothing of their own. */
  readonly claims: readonly Claim[]
  readonly again?: number
}

type Device = NonNullable<ClusterDocument['status']['devices']>['each'][number]

/** Whoever waits for a device looks again, should nothing wake it. */
const againMs = 5000

/** How many replicas may still be placed on devices of a product, by the quotas; as many as there are without one. */
export type Room = (product: string) => number

/** `count` replicas, each with what it needs. `holds` says that an older one of the endpoint holds what a new one waits for. */
export function place(needs: Needs, count: number, ground: Ground, room: Room, holds: boolean): Placed {
  const placed = claim('Placed', 'True', 'Placed', '')
  if (count === 0) return { assignments: [], claims: [placed] }
  const { cluster, reserved, name } = ground
  const { node, devices, capacity } = cluster?.status ?? {}
  if (node === undefined || !devices || !capacity || !reserved) {
    const message = `Cluster ${name} has not told yet what it has; replicas are placed when it has.`
    const waiting = claim('Placed', 'False', 'Waiting', message)
    return { assignments: [], claims: [waiting], again: againMs }
  }
  const held = new Set(reserved.devices.map(({ accelerator, id }) => `${accelerator}/${id}`))
  const own = devices.each.filter(({ accelerator }) => accelerator === needs.accelerator)
  const fitting = own.filter(({ product }) => product !== undefined && (needs.product ?? product) === product)
  const free = fitting.filter(({ accelerator, id }) => !held.has(`${accelerator}/${id}`))
  const memory = needs.memoryBytes ?? 0
  const inMemory =
    memory === 0 ? count : Math.floor(Math.max(0, capacity.memoryBytes - reserved.memoryBytes) / memory)
  const assignments = spread(needs, Math.min(count, inMemory), free, room).map(
    (given): Assignment => ({
      nodes: [node],
      ...given,
      ...(memory > 0 ? { memoryBytes: memory } : {}),
    }),
  )
  if (assignments.length === count) return { assignments, claims: [placed] }
  const refused = (reason: string, asked: string, there: string): Placed => {
    const hint = holds
      ? ' Allow spec.rollout.maxUnavailable so that an old replica may go first, or wait until others have gone.'
      : ''
    const message = `${count - assignments.length} more replicas cannot be placed: each needs ${asked}, and cluster ${name} has ${there}.${hint}`
    return { assignments, claims: [claim('Placed', 'False', reason, message)], again: againMs }
  }
  if (inMemory < count && assignments.length === Math.max(0, inMemory))
    return refused(
      'HostMemory',
      `${memory} bytes of memory`,
      `${capacity.memoryBytes}, of which ${reserved.memoryBytes} are set aside for others`,
    )
  const asked = `${needs.devices} of ${needs.accelerator}${needs.product === undefined ? '' : ` ${needs.product}`}`
  if (own.length === 0) return refused('Accelerator', asked, inventory(devices.each, held))
  if (fitting.length === 0) return refused('Product', asked, inventory(own, held))
  if (spread(needs, count, free, () => count).length > assignments.length)
    return refused(
      'Quota',
      asked,
      `${inventory(fitting, held)}, of which the quota of its workspace leaves no more`,
    )
  return refused('TooFewDevices', asked, inventory(fitting, held))
}

/** Devices for each replica, all of one product: of that which is left with the fewest, so that large replicas find room. */
function spread(
  { accelerator, devices }: Needs,
  count: number,
  free: readonly Device[],
  room: Room,
): readonly Pick<Assignment, 'accelerator' | 'product' | 'devices'>[] {
  if (accelerator === undefined || devices === undefined)
    return Array.from({ length: Math.max(0, count) }, () => ({}))
  const products = new Map(
    [...Map.groupBy(free, ({ product }) => product ?? '')].map(([product, all]) => [
      product,
      { ids: all.map(({ id }) => id), room: room(product) },
    ]),
  )
  const given: Pick<Assignment, 'accelerator' | 'product' | 'devices'>[] = []
  while (given.length < count) {
    const [best] = [...products]
      .filter(([, { ids, room }]) => ids.length >= devices && room > 0)
      .toSorted(([a, one], [b, other]) => one.ids.length - other.ids.length || (a < b ? -1 : 1))
    if (!best) break
    const [product, left] = best
    given.push({ accelerator, product, devices: left.ids.slice(0, devices) })
    products.set(product, { ids: left.ids.slice(devices), room: left.room - 1 })
  }
  return given
}

/** `2 of nvidia L4 (1 free), 1 of amd whose product is not known`. */
function inventory(devices: readonly Device[], held: ReadonlySet<string>): string {
  if (devices.length === 0) return 'none at all'
  const groups = Map.groupBy(devices, ({ accelerator, product }) =>
    product === undefined ? `${accelerator} whose product is not known` : `${accelerator} ${product}`,
  )
  return [...groups]
    .map(([name, all]) => {
      const free = all.filter(
        ({ accelerator, id, product }) => product !== undefined && !held.has(`${accelerator}/${id}`),
      )
      return `${all.length} of ${name} (${free.length} free)`
    })
    .join(', ')
}
