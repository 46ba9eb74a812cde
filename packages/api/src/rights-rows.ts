// Rows that tell what somebody may do and why: of oneself, of a person, of a service account.
import type { Store } from '@switchyard/runtime'
import { readAccount, rightsOf, rightsQuerySchema, rightsSchema, signedInOnly } from './rights.ts'
import { guarded, nowhere, type Row } from './route.ts'

export interface RightsOptions {
  readonly store: Store
}

const output = [{ status: 200, doc: 'What is held, where, and by what.', schema: rightsSchema }]

export function rightsRows({ store }: RightsOptions): readonly Row[] {
  return [
    guarded(
      { self: 'one may know what one holds' },
      {
        method: 'GET',
        path: '/api/v1/rights',
        action: 'rights.read',
        doc: 'What you may do, where, and by which roles; with `permission`, whether you may do that.',
        locate: nowhere,
        output,
      },
      { query: rightsQuerySchema },
      async ({ caller, query }) => {
        signedInOnly(caller)
        return { status: 200, body: await rightsOf(store, { caller, enabled: true, question: query }) }
      },
    ),
    guarded(
      { permission: 'user:read' },
      {
        method: 'GET',
        path: '/api/v1/users/{name}/rights',
        action: 'rights.read',
        doc: 'What a person may do, where, and by which roles. Takes role_assignment:read besides.',
        locate: ({ name = '' }) => ({ workspace: null, name }),
        output,
        kind: 'User',
      },
      { query: rightsQuerySchema },
      async ({ caller, params: { name = '' }, query }) => {
        const { enabled } = await readAccount(store, caller, { kind: 'User', workspace: null, name })
        const whose = { principal: `user:${name}`, scopes: ['*'] }
        return { status: 200, body: await rightsOf(store, { caller: whose, enabled, question: query }) }
      },
    ),
    guarded(
      { permission: 'service_account:read' },
      {
        method: 'GET',
        path: '/api/v1/workspaces/{w}/serviceaccounts/{name}/rights',
        action: 'rights.read',
        doc: 'What a service account may do, and by which roles. Takes role_assignment:read besides.',
        locate: ({ w, name = '' }) => ({ workspace: w, name }),
        output,
        kind: 'ServiceAccount',
      },
      { query: rightsQuerySchema },
      async ({ caller, params: { w = '', name = '' }, query }) => {
        const { enabled } = await readAccount(store, caller, { kind: 'ServiceAccount', workspace: w, name })
        const whose = { principal: `serviceaccount:${w}/${name}`, scopes: ['*'] }
        return { status: 200, body: await rightsOf(store, { caller: whose, enabled, question: query }) }
      },
    ),
  ]
}
