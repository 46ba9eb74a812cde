// What tools and drivers say of devices, read from answers in their formats. None of these was recorded here: they are
// written from the documents of each tool.
import { amdDevices, amdMemory, nvidiaDevice, nvidiaDevices, visibility } from '@switchyard/catalog'
import { accelerators } from '@switchyard/kinds'
import { describe, expect, test } from 'vitest'

const gib = 2 ** 30

describe('MD5: devices of NVIDIA', () => {
  test('are read from nvidia-smi, one line each', () => {
    const said = `GPU-5d4f1b2c-8a8e-11ee-b9d1-0242ac120002, NVIDIA L4, 23034
GPU-6e1d0c33-8a8e-11ee-b9d1-0242ac120002, NVIDIA A100-SXM4-80GB, 81920
`
    expect(nvidiaDevices(said)).toEqual([
      {
        accelerator: 'nvidia',
        id: 'GPU-5d4f1b2c-8a8e-11ee-b9d1-0242ac120002',
        product: 'L4',
        memoryBytes: 23_034 * 2 ** 20,
      },
      {
        accelerator: 'nvidia',
        id: 'GPU-6e1d0c33-8a8e-11ee-b9d1-0242ac120002',
        product: 'A100-SXM4-80GB',
        memoryBytes: 80 * gib,
      },
    ])
  })
  test('have a name without spaces, and no memory where the tool knows none', () => {
    const said = `GPU-00000000-0000-0000-0000-000000000001, NVIDIA GeForce RTX 4090, 24564
GPU-00000000-0000-0000-0000-000000000002, Tesla T4, 15360
GPU-00000000-0000-0000-0000-000000000003, NVIDIA GB10, [N/A]`
    expect(nvidiaDevices(said).map(({ product, memoryBytes }) => [product, memoryBytes])).toEqual([
      ['GeForce-RTX-4090', 24_564 * 2 ** 20],
      ['Tesla-T4', 15 * gib],
      ['GB10', undefined],
    ])
  })
  test('are none in an empty answer, and a complaint is no answer', () => {
    expect(nvidiaDevices('\n')).toEqual([])
    expect(nvidiaDevices('No devices were found\n')).toEqual([])
    expect(() =>
      nvidiaDevices(
        'Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 550.90',
      ),
    ).toThrow('nvidia-smi said: Failed to initialize NVML')
  })
  test('are read from the driver’s own files, which tell no memory', () => {
    const information = `Model: \t\t NVIDIA H100 PCIe
IRQ:   \t\t 187
GPU UUID: \t GPU-0b6a9a61-4b9b-9f3a-1d7d-3cb1ac3cd7bb
Video BIOS: \t 96.00.61.00.01
Bus Type: \t PCIe
DMA Size: \t 52 bits
DMA Mask: \t 0xfffffffffffff
Bus Location: \t 0000:41:00.0
Device Minor: \t 0
GPU Firmware: \t 535.129.03
GPU Excluded:\t No
`
    expect(nvidiaDevice(information)).toEqual({
      accelerator: 'nvidia',
      id: 'GPU-0b6a9a61-4b9b-9f3a-1d7d-3cb1ac3cd7bb',
      product: 'H100-PCIe',
    })
    const asleep = information.replace(/GPU-.*/, 'GPU-????????-????-????-????-????????????')
    expect(nvidiaDevice(asleep)).toBeUndefined()
  })
})

const cpu = `cpu_cores_count 64
simd_count 0
mem_banks_count 1
gfx_target_version 0
unique_id 0
`
const accelerator = (unique: string) => `cpu_cores_count 0
simd_count 416
mem_banks_count 1
caches_count 206
io_links_count 1
cpu_core_id_base 0
simd_id_base 2147487744
vendor_id 4098
device_id 29711
location_id 49408
domain 0
drm_render_minor 128
gfx_target_version 90010
unique_id ${unique}
num_xcc 1
max_engine_clk_ccompute 3300
`

describe('MD5: devices of AMD', () => {
  test('are the nodes of the compute driver that compute, called as their runtime calls them', () => {
    const nodes = [
      { properties: cpu },
      {
        properties: accelerator('12265290291230436102'),
        productName: 'AMD Instinct MI210\n',
        memoryBytes: 64 * gib,
      },
      { properties: accelerator('0') },
    ]
    expect(amdDevices(nodes)).toEqual([
      { accelerator: 'amd', id: 'GPU-aa3710891bd66b06', product: 'Instinct-MI210', memoryBytes: 64 * gib },
      { accelerator: 'amd', id: '1' },
    ])
  })
  test('have the memory of their own banks', () => {
    const own = 'heap_type 1\nsize_in_bytes 68702699520\nflags 0\nwidth 4096\nmem_clk_max 1600\n'
    const systems = 'heap_type 0\nsize_in_bytes 540702146560\nflags 0\nwidth 64\nmem_clk_max 3200\n'
    expect(amdMemory([own, systems])).toBe(68_702_699_520)
    expect(amdMemory([systems])).toBeUndefined()
  })
})

describe('what a process is told', () => {
  test('are its devices in the variable of their vendor, and that no others are its own', () => {
    expect(visibility({ accelerator: 'ascend', ids: ['0', '3'] })).toEqual({
      ASCEND_RT_VISIBLE_DEVICES: '0,3',
      CUDA_VISIBLE_DEVICES: '-1',
      ROCR_VISIBLE_DEVICES: '-1',
    })
    for (const each of accelerators)
      expect(Object.values(visibility({ accelerator: each, ids: ['x'] })), each).toContain('x')
  })
})
