// An outside provider of sign-in, such as a company's directory: whom it vouches for, and what its groups hold.
import { z } from 'zod'
import { parseCidr, urlProblem } from './addresses.ts'
import { commonStatus, nameSchema, referenceSchema } from './envelope.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'
import { cidrSchema } from './limits.ts'

const claimName = z.string().min(1).max(253)
/** Member of the token, or the path to it where it stands within others. */
const claimSchema = z.union([claimName, z.array(claimName).min(1).max(8)])

export const identityProvider = defineKind({
  kind: 'IdentityProvider',
  plural: 'identityproviders',
  noun: 'identity_provider',
  short: ['idp'],
  scope: 'platform',
  doc: 'An outside provider of sign-in (OpenID Connect): people sign in there, and hold what their groups are given.',
  spec: z
    .strictObject({
      issuer: z
        .string()
        .max(2048)
        .describe('Its address, to the letter as it says it itself; the rest is discovered there.'),
      clientId: z.string().min(1).max(512).describe('How Switchyard is registered there.'),
      credential: referenceSchema
        .optional()
        .describe(
          'Credential of the platform whose value is the client secret; a public client when absent.',
        ),
      scopes: z
        .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/, 'use visible ASCII characters'))
        .max(32)
        .default(['openid', 'email', 'profile'])
        .describe('What is asked for; some providers tell groups for a scope of their own.'),
      claims: z
        .strictObject({
          email: claimSchema.default('email'),
          name: claimSchema.default('name'),
          groups: claimSchema.default('groups'),
        })
        .prefault({})
        .describe('Where the token, or else the userinfo, says them; a list is the path into it.'),
      allowedDomains: z
        .array(
          z
            .string()
            .max(253)
            .regex(/^(?=.*\.)[a-z0-9.-]+$/, 'write a domain in small letters, such as example.com'),
        )
        .max(100)
        .default([])
        .describe(
          'Domains of e-mail that the provider may speak for: only a verified address in one of them links an account that stands, or makes one.',
        ),
      provision: z
        .enum(['none', 'on-login'])
        .default('none')
        .describe('Whether who signs in without an account gets one.'),
      groupRoles: z
        .array(
          z.strictObject({
            group: z.string().min(1).max(256),
            role: referenceSchema.describe('Role of the platform.'),
            workspace: nameSchema.optional().describe('Where it is held; everywhere when absent.'),
          }),
        )
        .max(500)
        .default([])
        .describe('What each group holds; who is in it is taken over at each sign-in.'),
      allowCidrs: z
        .array(cidrSchema)
        .max(64)
        .default([])
        .describe('Private ranges that the provider may be dialled in.'),
      ca: z
        .string()
        .max(65_536)
        .regex(/-----BEGIN CERTIFICATE-----/, 'use certificates in PEM')
        .optional()
        .describe('Certificates (PEM) that vouch for it, in place of the public ones.'),
    })
    .superRefine(({ issuer, scopes, allowCidrs }, context) => {
      const problem = (path: string, message: string) =>
        context.addIssue({ code: 'custom', path: [path], message })
      if (!scopes.includes('openid')) problem('scopes', 'must have openid among them')
      const allowed = allowCidrs.flatMap(text => parseCidr(text) ?? [])
      const wrong = /^https:\/\/[^?#]+$/.test(issuer)
        ? urlProblem(issuer, allowed)
        : 'must start with https://, without ? and #'
      if (wrong !== undefined) problem('issuer', wrong)
    })
    .meta({
      examples: [
        {
          issuer: 'https://id.example.com/realms/main',
          clientId: 'switchyard',
          allowedDomains: ['example.com'],
          provision: 'on-login',
          groupRoles: [],
        },
      ],
    }),
  status: z.strictObject({ ...commonStatus }),
  phases: ['Ready', 'Failed', 'Deleting'],
  phase: phaseUnlessDeleting(({ status }) => {
    const discovered = status.conditions?.find(({ type }) => type === 'Discovered')
    return discovered?.status === 'False' ? 'Failed' : 'Ready'
  }),
  columns: [
    { title: 'ISSUER', path: 'spec.issuer' },
    { title: 'PROVISION', path: 'spec.provision' },
    { title: 'DOMAINS', path: 'spec.allowedDomains' },
    { title: 'PHASE', path: 'status.phase' },
  ],
  references: [
    { path: 'spec.credential', to: 'Credential', onDelete: 'refuse' },
    { path: 'spec.groupRoles[].role', to: 'Role', onDelete: 'refuse' },
    { path: 'spec.groupRoles[].workspace', to: 'Workspace', onDelete: 'refuse' },
  ],
  fields: ['spec.issuer', 'status.phase'],
  immutable: ['issuer'],
  conditions: { Discovered: ['Discovered', 'Unreachable', 'IssuerMismatch', 'BadKeys'] },
})
