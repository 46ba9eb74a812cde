// Outside issuers as the snapshot holds them: what their tokens are verified by, and what their roles may call.
import { type Cidr, type CredentialSecret, parseCidr } from '@switchyard/kinds'
import type { Sealed } from '@switchyard/runtime'
import type { IssuerSpec } from '../door/issuers.ts'
import { type Found, referred } from './found.ts'
import { glob } from './glob.ts'

export interface TrustedIssuer {
  /** Name of the document. */
  readonly name: string
  /** Changes when it does, or what it signs with. */
  readonly version: string
  /** Undefined while the credential that it signs with cannot be read. */
  readonly spec: IssuerSpec | undefined
  /** Ranges of special addresses in which its keys may be read. */
  readonly allowed: readonly Cidr[]
  /** PEM certificates that vouch for where its keys are. */
  readonly ca: string | undefined
  /** Models that each role may call, undefined for any; undefined when tokens need no role. */
  readonly roles: ReadonlyMap<string, readonly RegExp[] | undefined> | undefined
}

/** By name of the document. */
export function compileIssuers(
  { issuers, credentials }: Found,
  secrets: ReadonlyMap<string, Sealed<CredentialSecret>>,
): ReadonlyMap<string, TrustedIssuer> {
  return new Map(
    issuers.map(({ metadata, spec }) => {
      const { credential: reference, roles } = spec
      const credential =
        reference === undefined ? undefined : credentials.get(referred(metadata.workspace, reference))
      const value = credential && secrets.get(credential.metadata.id)?.reveal().value
      const readable = reference === undefined || value !== undefined
      const row: TrustedIssuer = Object.freeze({
        name: metadata.name,
        version: `${metadata.id} ${metadata.generation} ${credential?.metadata.resourceVersion ?? ''} ${readable}`,
        spec: readable ? specOf(metadata.name, spec, value) : undefined,
        allowed: spec.allowCidrs.flatMap(text => parseCidr(text) ?? []),
        ca: spec.ca,
        roles: roles && new Map(Object.entries(roles).map(([name, { models }]) => [name, models?.map(glob)])),
      })
      return [metadata.name, row]
    }),
  )
}

function specOf(
  name: string,
  { issuer, audiences, algorithms, jwksUri, jwks, claims }: Found['issuers'][number]['spec'],
  secret: string | undefined,
): IssuerSpec {
  return Object.freeze({
    name,
    issuer,
    audience: audiences,
    algorithms,
    ...(jwksUri !== undefined && { jwksUri }),
    ...(jwks !== undefined && { jwks }),
    ...(secret !== undefined && { secret: Buffer.from(secret) }),
    claims,
  })
}
