// What usage is narrowed by, for its sums and for its requests one by one.
import { z } from 'zod'

const time = z.iso.datetime({ offset: true })

/** By the moment of admission. */
export const span = {
  from: time.optional().describe('From then on, by the moment of admission.'),
  to: time.optional().describe('Before then.'),
}

export const whose = {
  workspace: z.string().max(63).optional(),
  project: z.string().max(63).optional(),
  key: z.string().max(63).optional().describe('Name of an ApiKey.'),
  model: z.string().max(256).optional().describe('Public model name.'),
  upstream: z
    .string()
    .max(127)
    .optional()
    .describe('Provider that answered, as WORKSPACE/NAME or platform/NAME, or name of the endpoint.'),
}

/** A sum of money or its part, with no more than 12 decimals. */
export const decimal = z.string().regex(/^-?\d+(\.\d{1,12})?$/)

/** How many of something, which may be more than a number holds. */
export const count = z.string().regex(/^\d+$/)
