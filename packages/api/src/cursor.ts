// Continue tokens: opaque, signed, bound to the filter and the caller, and short-lived.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { Fault } from '@switchyard/kinds'
import { z } from 'zod'

const lifeMilliseconds = 600_000

const contentSchema = z.strictObject({
  after: z.string(),
  /** Version of the first page: every later page answers with it. */
  version: z.string(),
  expires: z.int(),
})

export interface Position {
  readonly after: string
  readonly version: string
}

export interface Cursors {
  seal(position: Position, binding: string): string
  /** `expired` after 10 minutes; `invalid` when it was made for another list or another caller, or changed. */
  open(token: string, binding: string): Position
}

/** `key`: at least 32 random bytes, the same in every process of an installation. */
export function createCursors(key: Uint8Array, now: () => number): Cursors {
  const sign = (content: string, binding: string) =>
    createHmac('sha256', key).update(content).update('\0').update(binding).digest()

  return {
    seal({ after, version }, binding) {
      const content = Buffer.from(JSON.stringify({ after, version, expires: now() + lifeMilliseconds }))
      return `${content.toString('base64url')}.${sign(content.toString(), binding).toString('base64url')}`
    },
    open(token, binding) {
      const [body = '', signature = ''] = token.split('.')
      const content = Buffer.from(body, 'base64url').toString()
      const given = Buffer.from(signature, 'base64url')
      const expected = sign(content, binding)
      if (given.length !== expected.length || !timingSafeEqual(given, expected))
        throw new Fault('invalid', 'This continue token is not of this list. List again from the start.', {
          reason: 'bad_continue',
          details: [{ path: 'continue', rule: 'continue', message: 'made for another filter or caller' }],
        })
      const { after, version, expires } = contentSchema.parse(JSON.parse(content)) // signed: our own bytes
      if (expires <= now())
        throw new Fault(
          'expired',
          'This continue token is older than 10 minutes. List again from the start.',
          {
            reason: 'continue_expired',
          },
        )
      return { after, version }
    },
  }
}
