// The devices of a cluster: those that a person declared, and those that were found. Pure.

import { bytesOf } from '@switchyard/kinds'
import type { Capabilities, Claim, Reserved } from '@switchyard/runtime'
import { type ClusterDocument, claim } from './documents.ts'

type Devices = NonNullable<ClusterDocument['status']['devices']>
type Device = Devices['each'][number]

/** What could not be asked stays as it was: failed is not empty. */
export function devicesOf(
  { spec, status }: ClusterDocument,
  { found, failed }: Capabilities['devices'],
  reserved: Reserved | undefined,
): { readonly devices: Devices; readonly claim: Claim } {
  const declared = (spec.devices ?? []).flatMap(({ accelerator, product, memory, ids }) =>
    ids.map(id => ({
      accelerator,
      id,
      product,
      ...(memory === undefined ? {} : { memoryBytes: bytesOf(memory) }),
      declared: true,
    })),
  )
  const said = new Set<string>(declared.map(({ accelerator }) => accelerator))
  const silent = failed.filter(({ accelerator }) => !said.has(accelerator))
  const before = (status.devices?.each ?? []).filter(
    ({ accelerator, declared }) => !declared && silent.some(each => each.accelerator === accelerator),
  )
  const discovered = [...found.map(each => ({ ...each, declared: false })), ...before].filter(
    ({ accelerator }) => !said.has(accelerator),
  )
  const held = new Set(reserved?.devices.map(({ accelerator, id }) => `${accelerator}/${id}`))
  const each = [...declared, ...discovered].map(
    (device): Device => ({ ...device, reserved: held.has(`${device.accelerator}/${device.id}`) }),
  )
  const unknown = each.filter(({ product }) => product === undefined)
  const devices = {
    capacity: each.length,
    reserved: each.filter(({ reserved }) => reserved).length,
    free: each.filter(({ reserved, product }) => !reserved && product !== undefined).length,
    each,
  }
  return { devices, claim: listing(silent, unknown) }
}

function listing(failed: Capabilities['devices']['failed'], unknown: readonly Device[]): Claim {
  if (failed.length > 0) {
    const said = failed.map(({ accelerator, message }) => `${accelerator}: ${message}`).join(' ')
    const message = `Devices cannot be listed; those known before are kept. ${said}`
    return claim('Devices', 'False', 'NotListed', message)
  }
  if (unknown.length > 0) {
    const ids = unknown.map(({ accelerator, id }) => `${accelerator} ${id}`).join(', ')
    const message = `The product of ${ids} is not known, so no replica gets it: declare it in spec.devices.`
    return claim('Devices', 'False', 'UnknownProduct', message)
  }
  return claim('Devices', 'True', 'Listed', '')
}
