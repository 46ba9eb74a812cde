// The edge of the listeners, as the environment gives it: TLS, origins, addresses, coding.
import { resolve } from 'node:path'
import type { DoorOptions } from '@switchyard/gateway'
import { Fault, parseCidr } from '@switchyard/kinds'
import { z } from 'zod'
import type { TlsFiles } from './tls.ts'

const list = z.string().transform(text =>
  text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== ''),
)
const ranges = list.refine(
  all => all.every(text => parseCidr(text) !== undefined),
  'must be ranges such as 10.0.0.0/8 or fd00::/8, with commas between them',
)
const originForm = /^https?:\/\/[^/?#\s*]+$/
const origins = list.refine(
  all => all.every(text => text === '*' || (originForm.test(text) && URL.parse(text)?.origin === text)),
  'must be origins such as https://app.example.com, with commas between them, or *',
)
const path = z.string().transform(file => resolve(file))

export const doorShape = {
  SWITCHYARD_TLS_CERT: path
    .optional()
    .describe(
      'PEM file with the certificate of the TLS port, followed by those between it and its authority. It is read again when it changes.',
    ),
  SWITCHYARD_TLS_KEY: path.optional().describe('PEM file with its private key.'),
  SWITCHYARD_TLS_CLIENT_CA: path
    .optional()
    .describe(
      'PEM file of the authorities whose certificates callers of the TLS port must have; none are asked for when absent.',
    ),
  SWITCHYARD_TLS_HOST: z
    .string()
    .optional()
    .describe('Address that the TLS port listens on; SWITCHYARD_HOST when absent.'),
  SWITCHYARD_TLS_PORT: z.coerce
    .number()
    .int()
    .min(1)
    .max(65535)
    .default(8443)
    .describe('Port that answers like SWITCHYARD_PORT, over TLS, once a certificate is given.'),
  SWITCHYARD_CORS_ORIGINS: origins
    .optional()
    .describe(
      'Origins of pages that may call the gateway from a browser, with commas between them; none when absent.',
    ),
  SWITCHYARD_ALLOW_ADDRESSES: ranges
    .optional()
    .describe(
      'Ranges that callers of the gateway must come from, with commas between them; any when absent.',
    ),
  SWITCHYARD_DENY_ADDRESSES: ranges.optional().describe('Ranges that may not call the gateway.'),
  SWITCHYARD_TRUSTED_PROXIES: ranges
    .optional()
    .describe('Ranges of proxies whose `x-forwarded-for` is believed; none when absent.'),
  SWITCHYARD_COMPRESS: z
    .enum(['on', 'off'])
    .default('on')
    .describe('Whole answers of 1 KiB and more leave coded for callers that take br or gzip.'),
  SWITCHYARD_IMAGE_CIDRS: ranges
    .optional()
    .describe('Private ranges in which images that a chat names by URL may be fetched; none when absent.'),
} as const

type Given = z.output<z.ZodObject<typeof doorShape>>

export interface TlsSettings {
  readonly files: TlsFiles
  /** Undefined is that of the plain port. */
  readonly host: string | undefined
  readonly port: number
}

/** Undefined without a certificate. `invalid` for one without its key, and the reverse. */
export function tlsSettings(given: Given): TlsSettings | undefined {
  const { SWITCHYARD_TLS_CERT: cert, SWITCHYARD_TLS_KEY: key, SWITCHYARD_TLS_CLIENT_CA: clientCa } = given
  if (cert === undefined && key === undefined && clientCa === undefined) return undefined
  if (cert === undefined || key === undefined)
    throw new Fault('invalid', 'SWITCHYARD_TLS_CERT and SWITCHYARD_TLS_KEY must be given together.', {
      reason: 'certificate',
    })
  return Object.freeze({
    files: Object.freeze({ cert, key, ...(clientCa !== undefined && { clientCa }) }),
    host: given.SWITCHYARD_TLS_HOST,
    port: given.SWITCHYARD_TLS_PORT,
  })
}

export function doorSettings(given: Given): DoorOptions {
  const { SWITCHYARD_CORS_ORIGINS: from, SWITCHYARD_IMAGE_CIDRS: images } = given
  const { SWITCHYARD_ALLOW_ADDRESSES: allow, SWITCHYARD_DENY_ADDRESSES: deny = [] } = given
  return Object.freeze({
    compress: given.SWITCHYARD_COMPRESS === 'on',
    proxies: given.SWITCHYARD_TRUSTED_PROXIES ?? [],
    addresses: { deny, ...(allow && { allow }) },
    ...(from && { cors: { origins: from } }),
    ...(images && { images: { allowCidrs: images } }),
  })
}
