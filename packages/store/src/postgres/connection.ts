// From the one URL to the settings of a connection: whatever the URL asks for, ours come last and win.
import { Fault } from '@switchyard/kinds'
import type { ClientConfig } from 'pg'

/** Throws `invalid` with a sentence when this is no URL of a PostgreSQL. */
export function connectionOf(url: string, name: string, settings: string): ClientConfig {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (!parsed || !['postgres:', 'postgresql:'].includes(parsed.protocol))
    throw new Fault(
      'invalid',
      'The database URL is none of PostgreSQL: write it as postgresql://user:password@host:5432/database.',
      { reason: 'database_url' },
    )
  const options = [parsed.searchParams.get('options'), settings].filter(Boolean).join(' ')
  parsed.searchParams.delete('options')
  parsed.searchParams.delete('application_name')
  return {
    connectionString: parsed.href,
    application_name: name,
    keepAlive: true,
    ...(options ? { options } : {}),
  }
}
