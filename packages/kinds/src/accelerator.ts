// Devices that compute: whose they are, what they are called, and how memory is written.
import { z } from 'zod'
import { readBytes } from './bytes.ts'

/** Whose devices, closed: each is a row of the catalog. */
export const accelerators = [
  'nvidia',
  'amd',
  'ascend',
  'intel',
  'cambricon',
  'hygon',
  'mthreads',
  'metax',
  'iluvatar',
] as const
export type Accelerator = (typeof accelerators)[number]

export const acceleratorSchema = z.enum(accelerators)

/** A product in one spelling wherever it was read: `L4`, `A100-SXM4-80GB`, `Instinct-MI300X`. */
export const productSchema = z
  .string()
  .max(64)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._+-]*$/,
    'must be letters, digits, `.`, `_`, `+` and `-`, without spaces, such as A100-SXM4-80GB',
  )

/** What the platform calls one device, as its visibility variable takes it. */
export const deviceIdSchema = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9:._/-]*$/, 'must be what the visibility variable takes, such as 0 or GPU-…')

/** Kept as it was written. */
export const bytesSchema = z
  .string()
  .refine(text => Number.isSafeInteger(readBytes(text)), {
    error: 'must be bytes as a whole number, with k, M, G, T, Ki, Mi, Gi or Ti behind it or nothing: 48Gi',
  })
  .meta({ examples: ['48Gi'] })
