// Which database a URL leads to, in words.
import { Fault } from '@switchyard/kinds'

/** Host and database of a URL, without what is secret in it. */
export function place(url: string): string {
  const { host, pathname } = new URL(url)
  if (pathname.length < 2)
    throw new Fault('invalid', 'The database URL names no database: end it with /NAME.', {
      reason: 'database_url',
    })
  return `${host}${pathname}`
}
