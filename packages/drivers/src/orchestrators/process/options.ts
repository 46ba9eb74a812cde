// What the process orchestrator needs to know of its installation, completed and checked once.
import { isAbsolute } from 'node:path'
import type { Clock, Observe, Random } from '@switchyard/runtime'
import type { DeviceOptions } from './devices.ts'

export type ProcessObservation =
  | { readonly type: 'engine_started'; readonly replica: string; readonly pid: number; readonly port: number }
  | { readonly type: 'engine_adopted'; readonly replica: string; readonly pid: number }
  | {
      readonly type: 'engine_exited'
      readonly replica: string
      readonly code: number | null
      readonly signal: string | null
    }
  | { readonly type: 'orphan_ended'; readonly pid: number }
  | { readonly type: 'process_error'; readonly what: string; readonly error: unknown }

export interface ProcessOptions {
  /** Absolute; `replicas/<id>/{state.json,log}` are kept in it. */
  readonly directory: string
  /** Identity of this installation; processes of another are never touched. */
  readonly installation: string
  /** Program and first arguments that `builtin` stands for; without it `builtin` is absent. */
  readonly builtin?: readonly string[]
  /** What children see of the environment, such as PATH, HOME and LANG; nothing else is passed on. */
  readonly environment: Readonly<Record<string, string>>
  readonly clock: Clock
  readonly random: Random
  readonly observe?: Observe<ProcessObservation>
  /** Inclusive; default 20000 to 29999. */
  readonly ports?: { readonly from: number; readonly to: number }
  /** Between probes of a process that is not ready yet; default 200. */
  readonly startingProbeMs?: number
  /** Between probes of a ready one; default 2000. */
  readonly readyProbeMs?: number
  /** An alive probe may take so long; default 2000. */
  readonly probeTimeoutMs?: number
  /** A scrape may take so long: a busy engine answers late; default 5000. */
  readonly scrapeTimeoutMs?: number
  /** Size at which a log is rotated; default 10 MiB. Three files are kept. */
  readonly logBytes?: number
  /** Where devices are looked for, instead of on this machine. */
  readonly devices?: Partial<DeviceOptions>
  /** Devices are looked for anew after so long; default 30000. */
  readonly devicesMs?: number
  /** Between sweeps for processes that nobody recorded; default 60000. */
  readonly sweepMs?: number
}

export type Settings = Required<Omit<ProcessOptions, 'builtin' | 'devices'>> &
  Pick<ProcessOptions, 'builtin' | 'devices'>

export function complete(options: ProcessOptions): Settings {
  if (!isAbsolute(options.directory))
    throw new TypeError(`directory must be absolute, not ${options.directory}`)
  if (!/^[\w-]{1,128}$/.test(options.installation))
    throw new TypeError('installation must be letters, digits, _ and -')
  return {
    observe: () => {},
    ports: { from: 20_000, to: 29_999 },
    startingProbeMs: 200,
    readyProbeMs: 2000,
    probeTimeoutMs: 2000,
    scrapeTimeoutMs: 5000,
    logBytes: 10 << 20,
    devicesMs: 30_000,
    sweepMs: 60_000,
    ...options,
  }
}
