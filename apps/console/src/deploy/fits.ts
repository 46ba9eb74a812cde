// Whether what is asked for fits a cluster now, and what the workspace may still have. It only tells beforehand:
// placing decides.

import type { cluster, DocumentOf, quota, replica } from '@switchyard/kinds'
import { readBytes } from '@switchyard/kinds/bytes'
import { isMeant } from '../kinds/seen.ts'
import type { Draft } from './draft.ts'

export type ClusterDocument = DocumentOf<typeof cluster>
export type QuotaDocument = DocumentOf<typeof quota>
export type ReplicaDocument = DocumentOf<typeof replica>

export interface Kept {
  readonly total: number
  readonly free: number
}

export interface Room {
  /** Devices that the request could have: of its accelerator and product. Undefined where none are asked for. */
  readonly devices: Kept | undefined
  /** Bytes of the machine's memory that no replica has set aside; undefined where it is not known. */
  readonly memory: Kept | undefined
  readonly cpus: number | undefined
  /** Replicas of this size that could be placed now; undefined where nothing bounds them. */
  readonly replicas: number | undefined
}

type Asked = Pick<Draft, 'accelerator' | 'product' | 'devices' | 'memory' | 'replicas'>

export const bytesAsked = ({ memory }: Pick<Draft, 'memory'>): number | undefined => {
  const bytes = memory === undefined ? undefined : readBytes(memory)
  return bytes !== undefined && Number.isSafeInteger(bytes) ? bytes : undefined
}

/** Devices of one kind that stand together: a replica's are all of one product. */
export interface Flavor extends Kept {
  readonly accelerator: string
  readonly product: string | undefined
  readonly memoryBytes: number | undefined
}

export function flavorsOf({ status }: ClusterDocument): readonly Flavor[] {
  const flavors = new Map<string, Flavor>()
  for (const { accelerator, product, memoryBytes, reserved } of status.devices?.each ?? []) {
    const key = `${accelerator}/${product ?? ''}`
    const before = flavors.get(key) ?? { accelerator, product, memoryBytes, total: 0, free: 0 }
    const isFree = !reserved && product !== undefined
    flavors.set(key, { ...before, total: before.total + 1, free: before.free + (isFree ? 1 : 0) })
  }
  return [...flavors.values()]
}

/** `replicas` are those that the person may see; `workspace` is where the reference of a replica is read. */
export function roomOf(cluster: ClusterDocument, replicas: readonly ReplicaDocument[], asked: Asked): Room {
  const flavors = flavorsOf(cluster).filter(
    ({ accelerator, product }) =>
      accelerator === asked.accelerator && (asked.product === undefined || product === asked.product),
  )
  const count = asked.devices ?? 0
  const byDevices =
    count === 0 ? undefined : flavors.reduce((sum, { free }) => sum + Math.floor(free / count), 0)
  const capacity = cluster.status.capacity
  const held = replicas
    .filter(({ metadata, spec }) => isMeant(cluster, spec.cluster, metadata.workspace ?? ''))
    .reduce((sum, { spec }) => sum + (spec.assignment?.memoryBytes ?? 0), 0)
  const memory = capacity && {
    total: capacity.memoryBytes,
    free: Math.max(0, capacity.memoryBytes - held),
  }
  const bytes = bytesAsked(asked)
  const byMemory = memory && bytes !== undefined ? Math.floor(memory.free / bytes) : undefined
  const bounds = [byDevices, byMemory].filter(bound => bound !== undefined)
  return {
    devices:
      count === 0
        ? undefined
        : {
            total: flavors.reduce((sum, { total }) => sum + total, 0),
            free: flavors.reduce((sum, { free }) => sum + free, 0),
          },
    memory,
    cpus: capacity?.cpus,
    replicas: bounds.length === 0 ? undefined : Math.min(...bounds),
  }
}

/** One line of a quota against what is asked for. */
export interface Allowance {
  readonly quota: string
  /** Undefined for replicas. */
  readonly flavor: string | undefined
  readonly asked: number
  readonly left: number
  readonly limit: number
}

export function allowancesOf(quotas: readonly QuotaDocument[], asked: Asked): readonly Allowance[] {
  return quotas.flatMap(({ metadata: { name }, spec, status }) => {
    const lines: Allowance[] = []
    if (spec.replicas) {
      const limit = status.limit ?? spec.replicas.nominal
      const left = Math.max(0, limit - (status.used ?? 0))
      lines.push({ quota: name, flavor: undefined, asked: asked.replicas, left, limit })
    }
    for (const { accelerator, product, nominal } of spec.flavors ?? []) {
      if (accelerator !== asked.accelerator || asked.devices === undefined) continue
      if (product !== undefined && asked.product !== undefined && product !== asked.product) continue
      const counted = status.flavors?.find(one => one.accelerator === accelerator && one.product === product)
      const limit = counted?.limit ?? nominal
      lines.push({
        quota: name,
        flavor: product === undefined ? accelerator : `${accelerator}/${product}`,
        asked: asked.devices * asked.replicas,
        left: Math.max(0, limit - (counted?.used ?? 0)),
        limit,
      })
    }
    return lines
  })
}
