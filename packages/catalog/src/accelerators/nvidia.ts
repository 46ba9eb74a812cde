// Devices of NVIDIA, as `nvidia-smi` lists them, or as the driver tells without it.
import { type Device, productOf } from './device.ts'

/** Arguments of `nvidia-smi` whose answer `nvidiaDevices` reads; memory is in MiB. */
export const nvidiaQuery = [
  '--query-gpu=uuid,name,memory.total',
  '--format=csv,noheader,nounits',
] as const satisfies readonly string[]

const vendor = /^NVIDIA\b/i
const mebibyte = 2 ** 20

/** Throws a TypeError for what is no such answer: a failure must not read as a machine without devices. */
export function nvidiaDevices(csv: string): readonly Device[] {
  return csv
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && line !== 'No devices were found')
    .map(line => {
      const [id = '', ...rest] = line.split(',').map(cell => cell.trim())
      const memory = rest.pop() ?? ''
      if (!/^(GPU|MIG)-[0-9a-fA-F-]+$/.test(id)) throw new TypeError(`nvidia-smi said: ${line.slice(0, 200)}`)
      return device(id, rest.join(','), /^\d+$/.test(memory) ? Number(memory) * mebibyte : undefined)
    })
}

/** One file `/proc/driver/nvidia/gpus/<address>/information`; undefined where it names no device. */
export function nvidiaDevice(information: string): Device | undefined {
  const fields = new Map(
    information.split('\n').map(line => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const
    }),
  )
  const id = fields.get('GPU UUID') ?? ''
  // A driver that has not talked to the device yet writes question marks.
  return /^GPU-[0-9a-fA-F-]+$/.test(id) ? device(id, fields.get('Model') ?? '', undefined) : undefined
}

function device(id: string, name: string, memoryBytes: number | undefined): Device {
  const product = productOf(name, vendor)
  return {
    accelerator: 'nvidia',
    id,
    ...(product === undefined ? {} : { product }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
  }
}
