// Which claims of an outside issuer's token say who calls here.

import type { DocumentOf, issuer } from '@switchyard/kinds'

/** Where each thing stands in the token, as the kind has it. */
export type ClaimsSpec = DocumentOf<typeof issuer>['spec']['claims']
type ClaimSpec = ClaimsSpec['workspace']

export interface Claimed {
  readonly workspace: string
  readonly project: string | null
  readonly roles: readonly string[]
  readonly subject: string
}

type Payload = Readonly<Record<string, unknown>>

const mostCharacters = 253
const mostRoles = 64

/** The name of what the token lacks, when it is not all there. */
export function readClaims(
  payload: Payload,
  spec: ClaimsSpec,
): Claimed | 'workspace' | 'project' | 'subject' {
  const [workspace] = valuesOf(payload, spec.workspace)
  if (workspace === undefined) return 'workspace'
  const [subject] = valuesOf(payload, spec.subject ?? { claim: 'sub' })
  if (subject === undefined) return 'subject'
  const [project] = spec.project ? valuesOf(payload, spec.project) : []
  // A token that was meant for one project must not reach the whole workspace because its claim is missing.
  if (spec.project && project === undefined) return 'project'
  const roles = Object.freeze(spec.role ? valuesOf(payload, spec.role) : [])
  return Object.freeze({ workspace, subject, project: project ?? null, roles })
}

function valuesOf(payload: Payload, spec: ClaimSpec): readonly string[] {
  if ('value' in spec) return [spec.value]
  const path = typeof spec.claim === 'string' ? [spec.claim] : spec.claim
  let found: unknown = payload
  for (const name of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return []
    found = (found as Payload)[name] // an object with that member
  }
  const { values } = spec
  return (Array.isArray(found) ? found.slice(0, mostRoles) : [found])
    .filter(value => typeof value === 'string')
    .flatMap(value => (values ? (Object.hasOwn(values, value) ? [values[value] ?? ''] : []) : [value]))
    .filter(value => value !== '' && value.length <= mostCharacters)
}
