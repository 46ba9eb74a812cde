// An outside issuer of tokens, such as a company's sign-in: whose tokens the gateway takes in place of API keys.
import { z } from 'zod'
import { parseCidr, urlProblem } from './addresses.ts'
import { commonStatus, referenceSchema } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'
import { cidrSchema } from './limits.ts'

export const tokenAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'HS256',
  'HS384',
  'HS512',
] as const

const claimName = z.string().min(1).max(253)
const value = z.string().min(1).max(253)

const claimSchema = z.union([
  z.strictObject({
    claim: z
      .union([claimName, z.array(claimName).min(1).max(8)])
      .describe('Member of the token, or the path to it where it stands within others.'),
    values: z
      .record(z.string().min(1).max(253), value)
      .refine(values => Object.keys(values).length <= 1000, 'at most 1,000 values')
      .optional()
      .describe('What the values of the issuer mean here; one that is not listed means nothing.'),
  }),
  z.strictObject({ value: value.describe('The same for every token.') }),
])

const roleSchema = z.strictObject({
  models: z
    .array(z.string().min(1).max(256))
    .max(1000)
    .optional()
    .describe('Public model names that it may call, `*` as wildcard; any when absent, none when empty.'),
})

const isSecret = (algorithm: string) => algorithm.startsWith('HS')

export const issuer = defineKind({
  kind: 'Issuer',
  plural: 'issuers',
  noun: 'issuer',
  scope: 'platform',
  doc: 'An outside issuer of tokens (JWT) that callers may present in place of an API key.',
  spec: z
    .strictObject({
      issuer: z.string().min(1).max(2048).describe('The `iss` of its tokens, to the letter.'),
      audiences: z
        .array(z.string().min(1).max(2048))
        .min(1)
        .max(32)
        .describe('One of these must be in `aud`: tokens that were made for others do not pass.'),
      algorithms: z
        .array(z.enum(tokenAlgorithms))
        .min(1)
        .max(tokenAlgorithms.length)
        .default(['RS256'])
        .describe('How its tokens may be signed; those that start with HS need a credential.'),
      jwksUri: z
        .string()
        .max(2048)
        .optional()
        .describe('https address of its public keys (JWKS), which are read again in the background.'),
      jwks: z
        .strictObject({ keys: z.array(z.record(z.string(), z.json())).min(1).max(100) })
        .optional()
        .describe('Its public keys themselves, as a JSON Web Key Set.'),
      credential: referenceSchema
        .optional()
        .describe('Credential of the platform whose value it signs with by HMAC: at least 32 bytes.'),
      allowCidrs: z
        .array(cidrSchema)
        .max(64)
        .default([])
        .describe('Private ranges that jwksUri may be dialled in.'),
      ca: z
        .string()
        .max(65_536)
        .regex(/-----BEGIN CERTIFICATE-----/, 'use certificates in PEM')
        .optional()
        .describe('Certificates (PEM) that vouch for jwksUri, in place of the public ones.'),
      claims: z
        .strictObject({
          workspace: claimSchema.describe('The workspace that is called in, and that pays.'),
          project: claimSchema.optional().describe('The project; the whole workspace when absent.'),
          role: claimSchema.optional().describe('The roles, one or a list.'),
          subject: claimSchema.optional().describe('Who calls; `sub` when absent.'),
        })
        .describe('What of a token says who calls.'),
      roles: z
        .record(z.string().min(1).max(253), roleSchema)
        .refine(roles => Object.keys(roles).length <= 200, 'at most 200 roles')
        .optional()
        .describe('What each role may do: a token needs one of them. Any model for any token when absent.'),
    })
    .superRefine((spec, context) => {
      const problem = (path: (string | number)[], message: string) =>
        context.addIssue({ code: 'custom', path, message })
      const { jwksUri, jwks, credential, algorithms, allowCidrs, claims, roles } = spec
      if ([jwksUri, jwks, credential].filter(given => given !== undefined).length !== 1)
        problem([], 'needs exactly one of jwksUri, jwks and credential')
      for (const [place, algorithm] of algorithms.entries())
        if (isSecret(algorithm) !== (credential !== undefined))
          problem(
            ['algorithms', place],
            isSecret(algorithm)
              ? 'needs a credential, not public keys'
              : 'needs jwksUri or jwks, not a credential',
          )
      if (jwksUri !== undefined) {
        const allowed = allowCidrs.flatMap(text => parseCidr(text) ?? [])
        const wrong = jwksUri.startsWith('https://')
          ? urlProblem(jwksUri.split('?', 1)[0] ?? '', allowed)
          : 'must start with https://'
        if (wrong !== undefined) problem(['jwksUri'], wrong)
      }
      if (roles !== undefined && claims.role === undefined)
        problem(['claims', 'role'], 'is required where roles are given')
    })
    .meta({
      examples: [
        {
          issuer: 'https://id.example.com',
          audiences: ['switchyard'],
          jwksUri: 'https://id.example.com/jwks',
          claims: { workspace: { claim: 'org' } },
        },
      ],
    }),
  status: z.strictObject({ ...commonStatus }),
  phases: ['Ready', 'Deleting'],
  phase: phaseUnlessDeleting(() => 'Ready'),
  columns: [
    { title: 'ISSUER', path: 'spec.issuer' },
    { title: 'AUDIENCES', path: 'spec.audiences', wide: true },
    { title: 'PHASE', path: 'status.phase' },
  ],
  references: [{ path: 'spec.credential', to: 'Credential', onDelete: 'refuse' }],
  fields: ['spec.issuer', 'status.phase'],
})
