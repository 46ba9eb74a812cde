// A secret for another system, such as a provider's API key. It is written, sealed and used, and never read back.
import { z } from 'zod'
import { shareSchema } from './cluster.ts'
import { commonStatus } from './envelope.ts'
import { headerNameSchema } from './header.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'

/** Visible characters, so that no header can be ended early. */
const secretText = z
  .string()
  .min(1)
  .max(16_384)
  .regex(/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/, 'use visible ASCII characters, without line breaks')

export const credentialTypes = ['bearer', 'header', 'query', 'basic', 'custom'] as const

export const credential = defineKind({
  kind: 'Credential',
  plural: 'credentials',
  noun: 'credential',
  short: ['cred'],
  scope: 'either',
  doc: "A secret for another system, such as a provider's API key. It is kept encrypted and never read back.",
  spec: z
    .strictObject({
      type: z
        .enum(credentialTypes)
        .default('bearer')
        .describe(
          'How it is sent. bearer: as the provider takes its keys, `Authorization: Bearer` unless its row says otherwise; header, query: under `name`; basic: with `username`; custom: `headers` alone.',
        ),
      name: z
        .string()
        .min(1)
        .max(128)
        .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'use letters, digits and dashes')
        .optional()
        .describe('Header or query parameter that carries the value, for the types header and query.'),
      username: z
        .string()
        .min(1)
        .max(256)
        .regex(/^[^:\r\n\0]+$/, 'use no colon and no line break')
        .optional()
        .describe('User name, for the type basic.'),
      value: secretText.optional().describe('Write-only: the key, token or password.'),
      headers: z
        .record(headerNameSchema, secretText)
        .refine(headers => Object.keys(headers).length <= 16, 'at most 16 headers')
        .optional()
        .describe('Write-only: further headers with secret values.'),
      share: shareSchema.default('none'),
    })
    .superRefine(({ type, name, username }, context) => {
      const named = type === 'header' || type === 'query'
      const problem = (path: string, message: string) =>
        context.addIssue({ code: 'custom', path: [path], message })
      if (named && name === undefined) problem('name', `is required for the type ${type}`)
      if (!named && name !== undefined) problem('name', 'is for the types header and query only')
      if (type === 'header' && name !== undefined && !headerNameSchema.safeParse(name).success)
        problem('name', 'cannot be this header: it belongs to the connection')
      if (type === 'basic' && username === undefined) problem('username', 'is required for the type basic')
      if (type !== 'basic' && username !== undefined) problem('username', 'is for the type basic only')
    })
    .meta({ examples: [{ type: 'bearer', value: 'sk-example' }] }),
  status: z.strictObject({
    ...commonStatus,
    fingerprint: z
      .string()
      .optional()
      .describe(
        'Of the value (of the headers, where there is no value): first 16 hex digits of its HMAC-SHA-256 under a key of this installation. The same value has the same one here, and another one elsewhere.',
      ),
    set: z
      .array(z.enum(['value', 'headers']))
      .optional()
      .describe('Secret fields that hold something.'),
    rotatedAt: z.string().optional().describe('When a secret field was written last.'),
  }),
  phases: ['Ready', 'Deleting'],
  phase: phaseUnlessDeleting(() => 'Ready'),
  columns: [
    { title: 'TYPE', path: 'spec.type' },
    { title: 'FINGERPRINT', path: 'status.fingerprint' },
    { title: 'ROTATED', path: 'status.rotatedAt' },
    { title: 'PHASE', path: 'status.phase', wide: true },
  ],
  fields: ['spec.type', 'status.fingerprint', 'status.phase'],
  immutable: ['type'],
  secrets: ['spec.value', 'spec.headers'],
  secretForm: 'sealed',
})

/** What a Credential holds, once it is unsealed. */
export interface CredentialSecret {
  readonly value?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Each field is sealed as text, headers as JSON. */
export function secretFrom({ value, headers }: Readonly<Record<string, string>>): CredentialSecret {
  return Object.freeze({
    ...(value === undefined ? {} : { value }),
    // Why `as`: the API has checked it against the schema above before it was sealed.
    ...(headers === undefined ? {} : { headers: JSON.parse(headers) as Readonly<Record<string, string>> }),
  })
}
