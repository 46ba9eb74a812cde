// How batches of usage are sealed, and where they are archived.
import type { BatchDue } from '@switchyard/runtime'
import { z } from 'zod'
import { archiveUrl } from './audit-settings.ts'

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
  SWITCHYARD_USAGE_ARCHIVE: archiveUrl
    .optional()
    .describe(
      'Where sealed batches of usage and issued invoices are archived: `file:///folder`, or `s3://bucket/prefix?endpoint=https://host&region=eu-1&lock=compliance`; nowhere when absent.',
    ),
  SWITCHYARD_USAGE_ARCHIVE_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .max(36_500)
    .default(1095)
    .describe('How long a bucket with a lock keeps each object of that archive.'),
}

export interface UsageSettings {
  /** When a batch is closed. */
  readonly due: BatchDue
  readonly archive: { readonly url: string; readonly days: number } | undefined
}

export function usageSettings(given: z.output<z.ZodObject<typeof usageShape>>): UsageSettings {
  const { SWITCHYARD_USAGE_SEAL_SECONDS: seconds, SWITCHYARD_USAGE_SEAL_EVENTS: events } = given
  const { SWITCHYARD_USAGE_ARCHIVE: url, SWITCHYARD_USAGE_ARCHIVE_DAYS: days } = given
  return Object.freeze({ due: { seconds, events }, archive: url === undefined ? undefined : { url, days } })
}
