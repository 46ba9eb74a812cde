// How batches of usage are sealed.
import type { BatchDue } from '@switchyard/runtime'
import { z } from 'zod'

export const usageShape = {
  SWITCHYARD_USAGE_SEAL_SECONDS: z.coerce
    .number()
    .min(0.2)
    .max(3600)
    .default(1)
    .describe('Age from which a batch of usage is sealed.'),
  SWITCHYARD_USAGE_SEAL_EVENTS: z.coerce
    .number()
    .int()
    .min(100)
    .max(1_000_000)
    .default(10_000)
    .describe('So many events are sealed before that.'),
}

export interface UsageSettings {
  /** When a batch is closed. */
  readonly due: BatchDue
}

export function usageSettings(given: z.output<z.ZodObject<typeof usageShape>>): UsageSettings {
  const { SWITCHYARD_USAGE_SEAL_SECONDS: seconds, SWITCHYARD_USAGE_SEAL_EVENTS: events } = given
  return Object.freeze({ due: { seconds, events } })
}
