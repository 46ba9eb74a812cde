// How the trail is kept: for how long, where its archive is, and under which key it is signed.
import { resolve } from 'node:path'
import { Sealed } from '@switchyard/runtime'
import { z } from 'zod'

const whole = (least: number, most: number) => z.coerce.number().int().min(least).max(most)

/** Six months: what laws ask for at least (the log of a cloud or of an AI system). */
const leastRetentionDays = 183

/** Where an archive is. */
export const archiveUrl = z
  .string()
  .regex(/^(file:\/\/\/|s3:\/\/[a-z0-9])/, 'must look like file:///folder or s3://bucket/prefix')
  .refine(url => URL.canParse(url), 'must be a URL')

export const auditShape = {
  SWITCHYARD_AUDIT_ARCHIVE: archiveUrl
    .optional()
    .describe(
      'Where the log of the trail is archived: `file:///folder`, or `s3://bucket/prefix?endpoint=https://host&region=eu-1&lock=compliance`; the folder `audit` in the data folder when absent.',
    ),
  AWS_ACCESS_KEY_ID: z.string().optional().describe('Credentials for a bucket of the archive.'),
  AWS_SECRET_ACCESS_KEY: z
    .string()
    .transform(secret => new Sealed(secret))
    .optional()
    .describe('Likewise.'),
  AWS_SESSION_TOKEN: z
    .string()
    .transform(secret => new Sealed(secret))
    .optional()
    .describe('Likewise, of credentials that end.'),
  SWITCHYARD_AUDIT_KEY_FILE: z
    .string()
    .transform(file => resolve(file))
    .optional()
    .describe(
      'File with the keys that sign the log, one a line; `audit.key` in the data folder is made when absent.',
    ),
  SWITCHYARD_AUDIT_RETENTION_DAYS: z.coerce
    .number()
    .int()
    .min(leastRetentionDays, `must be at least ${leastRetentionDays} days: the trail is kept no shorter`)
    .max(36_500)
    .default(1095)
    .describe(
      'How long an entry is kept in all; at least 183. More holds at once; fewer, than what held before, from the first start a week later.',
    ),
  SWITCHYARD_AUDIT_HOT_DAYS: whole(1, 36_500)
    .default(90)
    .describe(
      'How long it stays in the database, where it can be searched; then it is in the archive alone.',
    ),
  SWITCHYARD_AUDIT_CHECKPOINT_SECONDS: whole(1, 3600)
    .default(10)
    .describe('How long new entries wait for a signature.'),
  SWITCHYARD_AUDIT_ARCHIVE_SECONDS: whole(1, 86_400)
    .optional()
    .describe(
      'How often the archive is brought up to the newest entry; 10 in a folder and 3600 in a bucket when absent.',
    ),
}

export interface AuditSettings {
  readonly archive: string | undefined
  /** Of a bucket. */
  readonly credentials: Sealed<Readonly<Record<string, string | undefined>>>
  readonly keyFile: string | undefined
  readonly retentionDays: number
  readonly hotDays: number
  readonly checkpointSeconds: number
  readonly archiveSeconds: number
}

type Given = z.output<z.ZodObject<typeof auditShape>>

export function auditSettings(given: Given): AuditSettings {
  const url = given.SWITCHYARD_AUDIT_ARCHIVE
  return Object.freeze({
    archive: url,
    credentials: new Sealed({
      AWS_ACCESS_KEY_ID: given.AWS_ACCESS_KEY_ID,
      AWS_SECRET_ACCESS_KEY: given.AWS_SECRET_ACCESS_KEY?.reveal(),
      AWS_SESSION_TOKEN: given.AWS_SESSION_TOKEN?.reveal(),
    }),
    keyFile: given.SWITCHYARD_AUDIT_KEY_FILE,
    retentionDays: given.SWITCHYARD_AUDIT_RETENTION_DAYS,
    hotDays: Math.min(given.SWITCHYARD_AUDIT_HOT_DAYS, given.SWITCHYARD_AUDIT_RETENTION_DAYS),
    checkpointSeconds: given.SWITCHYARD_AUDIT_CHECKPOINT_SECONDS,
    archiveSeconds: given.SWITCHYARD_AUDIT_ARCHIVE_SECONDS ?? (url?.startsWith('s3:') ? 3600 : 10),
  })
}
