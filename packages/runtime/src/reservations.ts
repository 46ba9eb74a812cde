// What replicas hold of a machine, as the store gives it: a device to one of them, memory until there is none.
import type { Accelerator } from '@switchyard/kinds'

export interface Reserved {
  readonly devices: readonly { readonly accelerator: Accelerator; readonly id: string }[]
  readonly memoryBytes: number
}

export interface Reservations {
  on(node: string): Promise<Reserved>
}
