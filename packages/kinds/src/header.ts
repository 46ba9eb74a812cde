// Names and values of headers that a person may have sent to a provider.
import { z } from 'zod'

/** Headers of the connection, and those that would carry a caller's identity or change how a body is read. */
const reserved: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'content-type',
  'content-encoding',
  'accept-encoding',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'expect',
  'cookie',
  'forwarded',
])

export const headerNameSchema = z
  .string()
  .max(128)
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'not the name of a header')
  .refine(name => {
    const lower = name.toLowerCase()
    return !reserved.has(lower) && !lower.startsWith('x-forwarded-') && !lower.startsWith('x-switchyard-')
  }, 'cannot be set: it belongs to the connection or to Switchyard')

/** Credentials travel as Credentials: these carry them, so they are not plain text of a document. */
const carriers: ReadonlySet<string> = new Set(['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'])

/** Tabs and visible characters: nothing ends a header early. */
export const headerValueSchema = z
  .string()
  .max(8192)
  .regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'use no line break and no control character')

/** Headers that anyone may read who may read the document. */
export const openHeadersSchema = z
  .record(headerNameSchema, headerValueSchema)
  .refine(headers => Object.keys(headers).length <= 32, 'at most 32 headers')
  .superRefine((headers, context) => {
    for (const name of Object.keys(headers))
      if (carriers.has(name.toLowerCase()))
        context.addIssue({
          code: 'custom',
          path: [name],
          message: 'carries a secret: put it into a Credential',
        })
  })
