// Which devices this machine has. What a tool could not tell is told as a failure, never as none.
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  amdDevices,
  amdMemory,
  type Device,
  nvidiaDevice,
  nvidiaDevices,
  nvidiaQuery,
} from '@switchyard/catalog'
import type { Accelerator } from '@switchyard/kinds'
import type { Capabilities } from '@switchyard/runtime'

export interface DeviceOptions {
  /** Where `proc` and `sys` are; `/` but for tests. */
  readonly root: string
  /** Of the server: where `nvidia-smi` is looked for. */
  readonly path: string
}

type Found = NonNullable<Capabilities['devices']>

const run = promisify(execFile)
const toolMs = 15_000

const readers: readonly (readonly [Accelerator, (options: DeviceOptions) => Promise<readonly Device[]>])[] = [
  ['nvidia', nvidia],
  ['amd', amd],
]

export async function findDevices(options: DeviceOptions): Promise<Found> {
  const all = await Promise.all(
    readers.map(async ([accelerator, read]): Promise<Found> => {
      try {
        return { found: await read(options), failed: [] }
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error)
        return { found: [], failed: [{ accelerator, message: message.trim().slice(0, 500) }] }
      }
    }),
  )
  return { found: all.flatMap(({ found }) => found), failed: all.flatMap(({ failed }) => failed) }
}

/** By its tool; by its driver, which does not tell of memory, where the tool is not installed. */
async function nvidia({ root, path }: DeviceOptions): Promise<readonly Device[]> {
  try {
    const env = { PATH: path, LC_ALL: 'C' }
    return nvidiaDevices((await run('nvidia-smi', [...nvidiaQuery], { env, timeout: toolMs })).stdout)
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error
    // 6: no devices were found.
    if (error.code === 6) return []
    if (error.code !== 'ENOENT' && error.code !== 'EACCES') {
      const said = 'stdout' in error && typeof error.stdout === 'string' ? error.stdout : ''
      throw new Error(`nvidia-smi ended with ${String(error.code)}: ${said.trim() || error.message}`, {
        cause: error,
      })
    }
  }
  const folder = join(root, 'proc/driver/nvidia/gpus')
  const files = await Promise.all(
    (await names(folder)).map(name => readFile(join(folder, name, 'information'), 'utf8')),
  )
  return files.map(nvidiaDevice).filter(device => device !== undefined)
}

async function amd({ root }: DeviceOptions): Promise<readonly Device[]> {
  const folder = join(root, 'sys/class/kfd/kfd/topology/nodes')
  const numbers = (await names(folder)).toSorted((a, b) => Number(a) - Number(b))
  const nodes = await Promise.all(
    numbers.map(async number => {
      const node = join(folder, number)
      const properties = await readFile(join(node, 'properties'), 'utf8')
      const minor = /^drm_render_minor (\d+)$/m.exec(properties)?.[1]
      const productName =
        minor === undefined
          ? undefined
          : await optional(join(root, `sys/class/drm/renderD${minor}/device/product_name`))
      const banks = await Promise.all(
        (await names(join(node, 'mem_banks'))).map(bank =>
          readFile(join(node, 'mem_banks', bank, 'properties'), 'utf8'),
        ),
      )
      const memoryBytes = amdMemory(banks)
      return {
        properties,
        ...(productName === undefined ? {} : { productName }),
        ...(memoryBytes === undefined ? {} : { memoryBytes }),
      }
    }),
  )
  return amdDevices(nodes)
}

/** Entries of a folder; none where there is no such folder: then there is no such driver. */
async function names(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).toSorted()
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}

async function optional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

const isAbsent = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ENOENT'
