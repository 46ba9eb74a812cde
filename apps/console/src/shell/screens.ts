// The screens that no kind makes by itself, as the navigation shows them.
import type { Group } from '../kinds/names.ts'
import type { en } from '../words/en.ts'

export interface Screen {
  readonly to:
    | '/'
    | '/playground'
    | '/deploy'
    | '/library'
    | '/usage'
    | '/invitations'
    | '/audit'
    | '/settings'
    | '/requests'
    | '/balances'
    | '/invoices'
  readonly title: keyof (typeof en)['screens']
  /** Stands before the kinds of this group; above all groups without one. */
  readonly group?: Group
  /** Whoever lacks it anywhere does not see the screen in the navigation. */
  readonly permission?: string
}

export const screens: readonly Screen[] = [
  { to: '/', title: 'overview' },
  { to: '/playground', title: 'playground', permission: 'inference:call' },
  { to: '/requests', title: 'requests', group: 'gateway', permission: 'usage:read' },
  { to: '/usage', title: 'usage', group: 'money', permission: 'usage:read' },
  { to: '/deploy', title: 'deploy', group: 'serving', permission: 'endpoint:create' },
  { to: '/library', title: 'library', group: 'serving', permission: 'model:read' },
  { to: '/invitations', title: 'invitations', group: 'people', permission: 'user:create' },
  { to: '/audit', title: 'audit', group: 'people', permission: 'audit:read' },
  { to: '/settings', title: 'settings', group: 'other', permission: 'system:admin' },
  { to: '/invoices', title: 'invoices', group: 'money', permission: 'invoice:read' },
  { to: '/balances', title: 'balances', group: 'money', permission: 'account:read' },
]
