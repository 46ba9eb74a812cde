// What a decision may ask for, as a closed union; only the runtime carries it out, fenced.
import type { Condition, Document, Metadata, OwnerReference } from '@switchyard/kinds'
import type { Workload } from './orchestrator.ts'
import type { ReferenceTo } from './store.ts'

/** A document to be made; id, times, generation and phase are the runtime's. */
export interface Draft {
  readonly kind: string
  readonly name: string
  readonly workspace: string | null
  readonly project?: string | null
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly OwnerReference[]
  readonly finalizers?: readonly string[]
  readonly spec: unknown
  readonly references: readonly ReferenceTo[]
}

/** A condition as decided; the runtime adds observedGeneration and lastTransitionTime. */
export type Claim = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

/** A whole status but for what the runtime keeps: observedGeneration, phase, and the condition Reconciled. */
export type Status = Readonly<Record<string, unknown>> & { readonly conditions?: readonly Claim[] }

export type Action =
  | { readonly do: 'create'; readonly draft: Draft }
  /** Replaces spec, unless the document was changed by a person since it was observed. */
  | { readonly do: 'spec'; readonly of: Document; readonly spec: unknown }
  | { readonly do: 'annotate'; readonly of: Document; readonly annotations: Metadata['annotations'] }
  | { readonly do: 'status'; readonly of: Document; readonly status: Status }
  /** Asks for the end: the row goes at once when no finalizer holds it. */
  | { readonly do: 'delete'; readonly of: Document }
  /** With the last finalizer of a deleted document the row goes. */
  | { readonly do: 'finalizer'; readonly of: Document; readonly add?: string; readonly remove?: string }
  | {
      readonly do: 'event'
      readonly of: Document
      readonly type: 'Normal' | 'Warning'
      readonly reason: string
      readonly message: string
    }
  | { readonly do: 'run'; readonly work: Workload }
  | { readonly do: 'end'; readonly workload: string; readonly graceSeconds: number }

export type StoreAction = Exclude<Action, { readonly do: 'run' | 'end' }>

export interface Decision {
  readonly actions: readonly Action[]
  /** Of the document that was decided about. */
  readonly status?: Status
  /** Milliseconds after which to look again, whatever wakes. */
  readonly again?: number
}
