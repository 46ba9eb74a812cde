// Every permission there is, and the preset roles, from one table: the kinds, and the few verbs beyond them.
import type { Kind } from './kind.ts'
import { kinds } from './registry.ts'

const documentVerbs = ['read', 'create', 'update', 'delete'] as const

/** Verbs that are not a document's create, read, update, delete. */
const furtherPermissions = [
  'cluster:use',
  'credential:use',
  'engine:use',
  'engine:raw',
  'provider:use',
  'provider:private',
  'endpoint:logs',
  'route:explain',
  'price_book:publish',
  'billing:backdate',
  'billing:backfill',
  'api_key:rotate',
  'api_key:any',
  'event:read',
  'usage:read',
  'usage:push',
  'usage:rebuild',
  'usage:quarantine',
  'invoice:read',
  'invoice:issue',
  'audit:read',
  'audit:verify',
  'audit:export',
  'audit:erase',
  'account:read',
  'billing:credit',
  'metrics:read',
  'inference:call',
  'system:admin',
  'system:keys',
  'system:force',
] as const

function permissionsOf({ noun, system }: Kind): string[] {
  // Control makes and changes system documents; people may look at them and remove them.
  const verbs = system ? (['read', 'delete'] as const) : documentVerbs
  return verbs.map(verb => `${noun}:${verb}`)
}

export const permissions: readonly string[] = [...kinds.flatMap(permissionsOf), ...furtherPermissions]

const nouns = (...names: string[]) => names.map(name => `${name}:*`)
const reads = (...names: string[]) => names.map(name => `${name}:read`)
const serving = ['model', 'endpoint', 'revision', 'replica', 'route']
/** What calls rest on: outside services, their secrets, and the checks of what passes. */
const outside = ['credential', 'provider', 'guardrail', 'mcp_server']
const places = ['cluster', 'engine', 'model_registry']
const ownKeys = [
  'api_key:create',
  'api_key:read',
  'api_key:update',
  'api_key:delete',
  'api_key:rotate',
  'inference:call',
]

/** The shipped roles, made at first start and kept equal to this table. */
export const presets: Readonly<Record<string, readonly string[]>> = {
  admin: ['*'],
  'workspace-admin': [
    ...reads('workspace', 'quota', ...places),
    'cluster:use',
    'engine:use',
    ...nouns(
      'project',
      'budget',
      'role',
      'role_assignment',
      'service_account',
      'api_key',
      'engine',
      'model_registry',
      ...outside,
      ...serving,
    ),
    'event:read',
    'usage:read',
    'audit:read',
    'account:read',
    'invoice:read',
    'inference:call',
  ],
  operator: [
    ...reads('workspace', 'project', 'quota'),
    ...nouns(...places, ...outside, ...serving),
    'price_book:read',
    'event:read',
    'usage:read',
    'metrics:read',
    ...ownKeys,
  ],
  developer: [
    ...reads('workspace', 'project', 'quota', 'role', 'role_assignment', 'service_account'),
    ...reads(...places, ...outside),
    'cluster:use',
    'engine:use',
    // Not to make a Provider or an McpServer: whoever names its address would see the credential arrive there.
    'credential:use',
    'provider:use',
    ...nouns(...serving),
    'event:read',
    'usage:read',
    ...ownKeys,
  ],
  viewer: [
    ...reads('workspace', 'project', 'quota', 'role', 'role_assignment', 'service_account'),
    ...reads(...places, ...serving, 'provider', 'guardrail', 'mcp_server'),
    'event:read',
  ],
  billing: [
    ...reads('workspace', 'project', 'quota', ...serving, 'price_book', 'legal_entity', 'budget'),
    'usage:read',
    'account:read',
    'invoice:read',
  ],
  // Others' keys are read with api_key:any; the secret itself is shown to nobody.
  auditor: ['*:read', 'api_key:any', 'audit:verify', 'audit:export'],
}
