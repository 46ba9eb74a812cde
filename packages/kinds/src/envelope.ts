// The envelope that every document wears: `apiVersion, kind, metadata, spec, status`.
import { z } from 'zod'

export const apiVersion = 'switchyard.dev/v1'

export const namePattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

export const nameSchema = z
  .string()
  .regex(
    namePattern,
    'use 1 to 63 lower-case letters, digits and dashes, starting and ending with a letter or digit',
  )

/** `name` (same workspace) or `platform/name`. */
export const referenceSchema = z
  .string()
  .regex(
    /^(platform\/)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    'use a name of the same workspace, or platform/NAME for a platform document',
  )

const labelKey = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/
const labelValue = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/

export const labelsSchema = z
  .record(z.string().regex(labelKey, 'not a label key'), z.string().regex(labelValue, 'not a label value'))
  .refine(labels => Object.keys(labels).length <= 64, 'at most 64 labels')

const annotationBytes = 256 * 1024
export const annotationsSchema = z
  .record(z.string().regex(labelKey, 'not an annotation key'), z.string())
  .refine(map => JSON.stringify(map).length <= annotationBytes, 'at most 256 KiB of annotations')

export const ownerReferenceSchema = z.strictObject({
  kind: z.string(),
  name: nameSchema,
  id: z.uuid(),
  controller: z.boolean().default(false),
  blocksDeletion: z.boolean().default(false),
})
export type OwnerReference = z.infer<typeof ownerReferenceSchema>

export const conditionSchema = z.strictObject({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  /** CamelCase, from the kind's closed list. */
  reason: z.string(),
  /** Tells a person what to do next. */
  message: z.string(),
  observedGeneration: z.int(),
  lastTransitionTime: z.string(),
})
export type Condition = z.infer<typeof conditionSchema>

/** What a person may write into metadata; everything else there is the server's. */
export const writableMetadataSchema = z.strictObject({
  name: nameSchema,
  workspace: nameSchema.nullable().optional(),
  project: nameSchema.nullable().optional(),
  displayName: z.string().max(128).optional(),
  description: z.string().max(1024).optional(),
  labels: labelsSchema.optional(),
  annotations: annotationsSchema.optional(),
})
export type WritableMetadata = z.infer<typeof writableMetadataSchema>

/** Server-owned metadata: accepted in a write and ignored, so that `get -o yaml | apply` is a no-op. */
export const serverMetadataFields = [
  'id',
  'generation',
  'resourceVersion',
  'creationTimestamp',
  'updateTimestamp',
  'deletionTimestamp',
  'createdBy',
  'updatedBy',
  'ownerReferences',
  'finalizers',
] as const

export const metadataSchema = z.strictObject({
  id: z.uuid(),
  name: nameSchema,
  workspace: nameSchema.nullable(),
  project: nameSchema.nullable(),
  displayName: z.string().max(128).optional(),
  description: z.string().max(1024).optional(),
  labels: labelsSchema,
  annotations: annotationsSchema,
  generation: z.int(),
  /** Opaque to callers except for equality; digits, commit-ordered. */
  resourceVersion: z.string(),
  creationTimestamp: z.string(),
  updateTimestamp: z.string(),
  deletionTimestamp: z.string().optional(),
  createdBy: z.string(),
  updatedBy: z.string(),
  ownerReferences: z.array(ownerReferenceSchema),
  finalizers: z.array(z.string()),
})
export type Metadata = z.infer<typeof metadataSchema>

/** What every status carries beside its kind's own fields. */
export const commonStatus = {
  observedGeneration: z.int().optional(),
  phase: z.string().optional(),
  conditions: z.array(conditionSchema).optional(),
} as const

export interface Document<S = unknown, T = unknown> {
  readonly apiVersion: typeof apiVersion
  readonly kind: string
  readonly metadata: Readonly<Metadata>
  readonly spec: S
  readonly status: T
}
