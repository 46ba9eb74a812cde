// What `up` and `down` tell the command line while they work, one message a line of thought.
import type { Code } from '@switchyard/kinds'
import type { Backup, BackupProgress, Restored } from '@switchyard/store/backup'
import type { WorkerState } from './workers-messages.ts'

export const steps = ['database', 'schema', 'gateway', 'resources', 'model', 'engine', 'token'] as const
export type Step = (typeof steps)[number]

/** The facts that a person or a program needs to begin; also `DIR/quickstart.json` (mode 0600). */
export interface Quickstart {
  readonly baseUrl: string
  readonly apiKey: string
  readonly model: string
  readonly workspace: string
  /** One-time link for the first administrator; absent once there is one. */
  readonly setupUrl?: string
  readonly adminToken: string
}

export type Progress =
  | {
      readonly type: 'started'
      readonly step: Step
      readonly detail?: string
      readonly done?: number
      readonly total?: number
    }
  | {
      readonly type: 'finished'
      readonly step: Step
      readonly detail?: string
      readonly milliseconds: number
    }
  | {
      readonly type: 'ready'
      readonly quickstart: Quickstart
      readonly bundled: boolean
      readonly pid: number
      /** Processes of the gateway; none where the server's own runs it. */
      readonly workers: readonly WorkerState[]
    }
  | { readonly type: 'failed'; readonly code: Code; readonly message: string }
  | { readonly type: 'stopped'; readonly what: string }
  | ({ readonly type: 'copying' } & BackupProgress)
  | ({ readonly type: 'backed_up'; readonly directory: string } & Backup)
  | ({ readonly type: 'restored' } & Restored)

export type Report = (progress: Progress) => void

/** Runs one step, telling of its beginning and its end; a throw is told by whoever catches it. */
export async function step<T>(
  report: Report,
  name: Step,
  work: () => Promise<T>,
  detail?: (value: T) => string,
): Promise<T> {
  const began = performance.now()
  report({ type: 'started', step: name })
  const value = await work()
  const milliseconds = Math.round(performance.now() - began)
  report({ type: 'finished', step: name, milliseconds, ...(detail && { detail: detail(value) }) })
  return value
}
