// A store of objects by its URL: one row for each scheme, loaded when it is asked for.
import { fileURLToPath } from 'node:url'
import { Fault } from '@switchyard/kinds'
import type { Objects } from '@switchyard/runtime'

export interface OpenObjectsOptions {
  /** How long an object is locked where that can be done; 0 locks nothing. */
  readonly retentionDays?: number
  /** Where credentials of a bucket are looked for: AWS_ACCESS_KEY_ID and its like. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

const schemes: Readonly<Record<string, (url: URL, options: OpenObjectsOptions) => Promise<Objects>>> = {
  'file:': async url => (await import('./files/index.ts')).filesObjects(fileURLToPath(url)),
  's3:': async (url, options) => (await import('./s3/index.ts')).s3Objects(url, options),
}

/** `file:///folder`, or `s3://bucket/prefix?endpoint=…&region=…&lock=compliance|governance`. */
export async function openObjects(url: string, options: OpenObjectsOptions): Promise<Objects> {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const open = parsed && schemes[parsed.protocol]
  if (!open)
    throw new Fault(
      'invalid',
      `${url} is no place of an archive: write file:///folder or s3://bucket/prefix.`,
      {
        reason: 'archive_url',
      },
    )
  return open(parsed, options)
}
