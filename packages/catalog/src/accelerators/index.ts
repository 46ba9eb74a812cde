// Accelerators as rows: how a process is told which devices are its own.
import type { Accelerator } from '@switchyard/kinds'

export { amdDevices, amdMemory } from './amd.ts'
export type { Device } from './device.ts'
export { nvidiaDevice, nvidiaDevices, nvidiaQuery } from './nvidia.ts'

interface AcceleratorRow {
  /** Takes the ids of the devices that a process may use, with commas between. */
  readonly variable: string
  /** What the variable says to a process that may use none; absent where no document tells. */
  readonly none?: string
}

/**
 * Of the variables of a vendor the one whose runtime stands lowest: ids in HIP_VISIBLE_DEVICES count within what
 * ROCR_VISIBLE_DEVICES leaves, so that both together would hide what was given.
 */
const rows = {
  nvidia: { variable: 'CUDA_VISIBLE_DEVICES', none: '-1' },
  amd: { variable: 'ROCR_VISIBLE_DEVICES', none: '-1' },
  ascend: { variable: 'ASCEND_RT_VISIBLE_DEVICES' },
  intel: { variable: 'ZE_AFFINITY_MASK' },
  cambricon: { variable: 'MLU_VISIBLE_DEVICES' },
  hygon: { variable: 'HIP_VISIBLE_DEVICES' },
  mthreads: { variable: 'MUSA_VISIBLE_DEVICES' },
  metax: { variable: 'CUDA_VISIBLE_DEVICES' },
  iluvatar: { variable: 'CUDA_VISIBLE_DEVICES' },
} as const satisfies Record<Accelerator, AcceleratorRow>

const table: readonly AcceleratorRow[] = Object.values(rows)

/** What tells a process which devices are its own, and that others are not; `given` are those of one accelerator. */
export function visibility(
  given: { readonly accelerator: Accelerator; readonly ids: readonly string[] } | undefined,
): Readonly<Record<string, string>> {
  const told = new Map<string, string>()
  for (const { variable, none } of table) if (none !== undefined) told.set(variable, none)
  if (given) told.set(rows[given.accelerator].variable, given.ids.join(','))
  return Object.fromEntries(told)
}
