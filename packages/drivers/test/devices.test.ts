// Devices as a machine tells of them: from files and a tool in the formats of their drivers, below a folder of the test.
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findDevices } from '../src/orchestrators/process/devices.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'devices-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function write(path: string, text: string) {
  const file = join(root, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
  return file
}
const tool = async (script: string) => chmod(await write('bin/nvidia-smi', `#!/bin/sh\n${script}\n`), 0o755)
const found = () => findDevices({ root, path: join(root, 'bin') })
const information = 'Model: \t\t NVIDIA L4\nGPU UUID: \t GPU-00000000-0000-0000-0000-000000000001\n'

describe('MD5: a machine', () => {
  test('without drivers has no devices, and that is no failure', async () => {
    expect(await found()).toEqual({ found: [], failed: [] })
  })

  test('is asked by the tool of its driver', async () => {
    await tool(
      '[ "$1 $2" = "--query-gpu=uuid,name,memory.total --format=csv,noheader,nounits" ] || exit 2\n' +
        'echo "GPU-00000000-0000-0000-0000-000000000001, NVIDIA L4, 23034"',
    )
    expect(await found()).toEqual({
      found: [
        {
          accelerator: 'nvidia',
          id: 'GPU-00000000-0000-0000-0000-000000000001',
          product: 'L4',
          memoryBytes: 23_034 * 2 ** 20,
        },
      ],
      failed: [],
    })
  })

  test('is asked by the files of its driver where the tool is not installed', async () => {
    await write('proc/driver/nvidia/gpus/0000:00:04.0/information', information)
    expect(await found()).toEqual({
      found: [{ accelerator: 'nvidia', id: 'GPU-00000000-0000-0000-0000-000000000001', product: 'L4' }],
      failed: [],
    })
  })

  test('whose tool fails is not a machine without devices', async () => {
    await tool('echo "Failed to initialize NVML: Driver/library version mismatch"; exit 18')
    expect(await found()).toEqual({
      found: [],
      failed: [
        {
          accelerator: 'nvidia',
          message: 'nvidia-smi ended with 18: Failed to initialize NVML: Driver/library version mismatch',
        },
      ],
    })
    await tool('echo "No devices were found"; exit 6')
    expect(await found()).toEqual({ found: [], failed: [] })
  })

  test('with devices of AMD tells of them by its compute driver', async () => {
    const nodes = 'sys/class/kfd/kfd/topology/nodes'
    await write(`${nodes}/0/properties`, 'cpu_cores_count 8\nsimd_count 0\n')
    await write(
      `${nodes}/1/properties`,
      'simd_count 416\ndrm_render_minor 128\ngfx_target_version 90010\nunique_id 12265290291230436102\n',
    )
    await write(`${nodes}/1/mem_banks/0/properties`, 'heap_type 1\nsize_in_bytes 68702699520\n')
    await write('sys/class/drm/renderD128/device/product_name', 'AMD Instinct MI210\n')
    expect(await found()).toEqual({
      found: [
        {
          accelerator: 'amd',
          id: 'GPU-aa3710891bd66b06',
          product: 'Instinct-MI210',
          memoryBytes: 68_702_699_520,
        },
      ],
      failed: [],
    })
  })
})
