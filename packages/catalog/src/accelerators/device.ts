// A device as it was found on a machine.
import type { Accelerator } from '@switchyard/kinds'

export interface Device {
  readonly accelerator: Accelerator
  /** As the visibility variable takes it; the same after a restart where the platform has such a name. */
  readonly id: string
  /** Absent where nothing tells: it is shown, and given to nobody. */
  readonly product?: string
  readonly memoryBytes?: number
}

/** One spelling for what tools write with spaces and a vendor in front; undefined when nothing is left. */
export function productOf(name: string, vendor: RegExp): string | undefined {
  const words = name.trim().replace(vendor, '').trim()
  const product = words
    .replaceAll(/\s+/g, '-')
    .replaceAll(/[^A-Za-z0-9._+-]/g, '')
    .slice(0, 64)
  return /^[A-Za-z0-9]/.test(product) ? product : undefined
}
