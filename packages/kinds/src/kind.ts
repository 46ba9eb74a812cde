// What a kind is: one frozen value from which validation, OpenAPI, permissions, CLI flags and columns come.
import type { z } from 'zod'
import type { Document } from './envelope.ts'

/** P: platform only. W: in a workspace only. E: either. */
export type Scope = 'platform' | 'workspace' | 'either'

export interface Column {
  readonly title: string
  /** Dotted path into the document, such as `status.phase`. */
  readonly path: string
  /** Shown only with `-o wide`. */
  readonly wide?: boolean
}

export interface Reference {
  /** Dotted path below the document (`spec.model.name`); `[]` walks an array. */
  readonly path: string
  /** Kind name referred to; `owner` means that `{kind, name}` stands at the path. */
  readonly to: string
  /** What a delete of the target does while this reference stands. */
  readonly onDelete: 'refuse' | 'cascade' | 'clear'
}

/** `POST …/actions/{verb}`: things that are not a spec change. */
export interface Action {
  readonly verb: string
  readonly permission: string
  readonly doc: string
  /** It cannot be taken back: whoever means it is asked for the name of the document. */
  readonly binds?: true
}

export interface Kind<S extends z.ZodType = z.ZodType, T extends z.ZodType = z.ZodType> {
  readonly kind: string
  /** Lower case without separators: the collection in the API's paths. */
  readonly plural: string
  /** Snake case: the left side of a permission, `api_key:create`. */
  readonly noun: string
  readonly short: readonly string[]
  readonly scope: Scope
  readonly doc: string
  readonly spec: S
  readonly status: T
  readonly phases: readonly string[]
  /** Pure function of spec, conditions and deletionTimestamp; no reconciler reads it. */
  readonly phase: (document: Document<z.output<S>, z.output<T>>) => string
  readonly columns: readonly Column[]
  readonly references: readonly Reference[]
  /** Paths that `fieldSelector` may name, besides metadata.name, .workspace, .project. */
  readonly fields: readonly string[]
  /** Paths below spec that never change after create. */
  readonly immutable: readonly string[]
  /** Paths below spec that are written but never read back. */
  readonly secrets: readonly string[]
  /** How secrets are kept: as a hash to compare with, or sealed, to be used in clear. */
  readonly secretForm: 'hashed' | 'sealed'
  /** Condition types with the closed list of their reasons. */
  readonly conditions: Readonly<Record<string, readonly string[]>>
  readonly actions: readonly Action[]
  /** Written by control or agents alone: people may read and delete them, never create or change. */
  readonly system: boolean
  /** Binds the workspace that it stands in: written by who holds the right on the platform, read as any other. */
  readonly heldAbove: boolean
}

type Given<S extends z.ZodType, T extends z.ZodType> = Pick<
  Kind<S, T>,
  'kind' | 'plural' | 'noun' | 'scope' | 'doc' | 'spec' | 'status' | 'phases' | 'phase' | 'columns'
> &
  Partial<Kind<S, T>>

export function defineKind<S extends z.ZodType, T extends z.ZodType>(given: Given<S, T>): Kind<S, T> {
  return Object.freeze({
    short: [],
    references: [],
    fields: [],
    immutable: [],
    secrets: [],
    secretForm: 'hashed',
    conditions: {},
    actions: [],
    system: false,
    heldAbove: false,
    ...given,
  })
}

/** The typed document of a kind: `DocumentOf<typeof endpoint>`. */
export type DocumentOf<K> = K extends Kind<infer S, infer T> ? Document<z.output<S>, z.output<T>> : never

/** Deleting wins over everything in every kind's phase. */
export function phaseUnlessDeleting<D extends Document>(
  phase: (document: D) => string,
): (document: D) => string {
  return document => (document.metadata.deletionTimestamp ? 'Deleting' : phase(document))
}
