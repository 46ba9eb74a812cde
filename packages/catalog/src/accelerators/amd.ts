// Devices of AMD, as the compute driver (KFD) tells below /sys/class/kfd/kfd/topology/nodes.
import { type Device, productOf } from './device.ts'

export interface KfdNode {
  /** Its file `properties`. */
  readonly properties: string
  /** `product_name` of its card, where the driver knows one. */
  readonly productName?: string
  /** From `amdMemory`. */
  readonly memoryBytes?: number
}

const vendor = /^(AMD|Advanced Micro Devices,? Inc\.?)\b/i

/** The nodes in the order of their numbers. A node without SIMD units is a processor and no device. */
export function amdDevices(nodes: readonly KfdNode[]): readonly Device[] {
  return nodes
    .map(node => ({ ...node, facts: factsOf(node.properties) }))
    .filter(({ facts }) => BigInt(facts.get('simd_count') ?? 0) > 0n)
    .map(({ facts, productName = '', memoryBytes }, index): Device => {
      const unique = BigInt(facts.get('unique_id') ?? 0)
      const product = productOf(productName, vendor)
      return {
        accelerator: 'amd',
        // The runtime's own name of a device; those of consumers have none, and are counted.
        id: unique === 0n ? String(index) : `GPU-${unique.toString(16).padStart(16, '0')}`,
        ...(product === undefined ? {} : { product }),
        ...(memoryBytes === undefined ? {} : { memoryBytes }),
      }
    })
}

/** Bytes of the banks of a node that are its own memory, from their files `properties`; undefined without one. */
export function amdMemory(banks: readonly string[]): number | undefined {
  // heap_type of kfd_ioctl.h: 1 and 2 are memory of the device, public and private.
  const own = banks.map(factsOf).filter(facts => ['1', '2'].includes(facts.get('heap_type') ?? ''))
  const bytes = own.reduce((sum, facts) => sum + Number(facts.get('size_in_bytes') ?? 0), 0)
  return bytes > 0 ? bytes : undefined
}

/** Lines of a name and a whole number. */
function factsOf(properties: string): ReadonlyMap<string, string> {
  const pairs = properties.split('\n').map(line => line.trim().split(/\s+/))
  return new Map(
    pairs.flatMap(([name, value]) =>
      name !== undefined && value !== undefined && /^\d+$/.test(value) ? [[name, value] as const] : [],
    ),
  )
}
