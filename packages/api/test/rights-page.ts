// The matrix of rights as text: the golden file that is reviewed, and docs/permissions.md that people read.
import { findKind, permissions, presets } from '@switchyard/kinds'
import { type Caller, decide, holds, type Place, writtenFrom } from '../src/authorize.ts'
import type { Row } from '../src/route.ts'

export const places = { own: 'red', other: 'blue', platform: null } as const

/** Where a role is given: in the workspace `red`, or everywhere. */
export const assignments = ['red', null] as const

export function callerWith(preset: string, workspace: string | null, narrowed: Partial<Caller> = {}): Caller {
  return {
    principal: 'user:someone',
    grants: (presets[preset] ?? []).map(permission => ({ workspace, permission })),
    scopes: ['*'],
    credential: { type: 'operator', hash: '' },
    ...narrowed,
  }
}

const nouns = [...new Set(permissions.map(permission => permission.split(':')[0]!))]
const verbsOf = (noun: string) =>
  permissions.filter(each => each.startsWith(`${noun}:`)).map(each => each.split(':')[1]!)

/** What binds a workspace is written by who holds the right on the platform. */
function holdsThere(caller: Caller, noun: string, verb: string, place: string | null): boolean {
  const kind = verb === 'read' ? undefined : findKind(noun)
  return holds(caller, `${noun}:${verb}`, writtenFrom(kind, place))
}

const given = (assigned: string | null) => (assigned === null ? 'on the platform' : 'in own')

/** What each preset holds of each noun, for who was given it in a workspace and for who was given it everywhere. */
function holdings(): readonly string[] {
  return Object.keys(presets).flatMap(preset =>
    assignments.flatMap(assigned =>
      nouns.map(noun => {
        const caller = callerWith(preset, assigned)
        const cells = Object.entries(places).map(([name, place]) => {
          const held = verbsOf(noun).filter(verb => holdsThere(caller, noun, verb, place))
          return `${name}: ${held.join(' ') || '-'}`
        })
        return `${preset} ${given(assigned)} | ${noun} | ${cells.join(' | ')}`
      }),
    ),
  )
}

/** Where a row looks for its permission when it is asked about a place. */
export function placeOf(row: Row, place: string): Place {
  // One Workspace is named by the name itself.
  return row.locate({ w: place, name: row.kind === 'Workspace' ? place : 'absent' }).workspace
}

const nameOf = ({ method, path }: Row) => `${method} ${path}`

/** Which presets a row lets in: asked about the workspace where the role was given, or by who has it everywhere. */
function admitted(row: Row, assigned: string | null): readonly string[] {
  const { permission } = row
  if (permission === undefined) return []
  return Object.keys(presets).filter(
    preset => decide(callerWith(preset, assigned), permission, placeOf(row, places.own)).allowed,
  )
}

const list = (names: readonly string[]) => names.join(' ') || '-'

function admissions(rows: readonly Row[]): readonly string[] {
  return rows.map(row => {
    if (row.public !== undefined) return `${nameOf(row)} | anyone: ${row.public}`
    if (row.self !== undefined) return `${nameOf(row)} | any caller: ${row.self}`
    const cells = assignments.map(assigned => `${given(assigned)}: ${list(admitted(row, assigned))}`)
    return `${nameOf(row)} | ${row.permission} | ${cells.join(' | ')}`
  })
}

export function golden(rows: readonly Row[]): string {
  return `${[...holdings(), '', ...admissions(rows)].join('\n')}\n`
}

const letters: Readonly<Record<string, string>> = { read: 'r', create: 'c', update: 'u', delete: 'd' }

/** `rcud use` for what a preset holds of a noun. */
function cell(preset: string, noun: string): string {
  const caller = callerWith(preset, null)
  const held = verbsOf(noun).filter(verb => holds(caller, `${noun}:${verb}`, null))
  const short = held.map(verb => letters[verb]).join('')
  const further = held.filter(verb => letters[verb] === undefined)
  return [short, ...further].filter(Boolean).join(' ') || '–'
}

const table = (head: readonly string[], lines: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...lines].map(cells => `| ${cells.join(' | ')} |`).join('\n')

const names = Object.keys(presets)

function presetTable(): string {
  return table(
    ['', ...names],
    nouns.map(noun => [`\`${noun}\``, ...names.map(preset => cell(preset, noun))]),
  )
}

function short(presetNames: readonly string[]): string {
  if (presetNames.length === names.length) return 'all'
  return presetNames.join(', ') || '–'
}

function routeTables(rows: readonly Row[]): string {
  const guarded = rows.filter(({ permission }) => permission !== undefined)
  const groups = Map.groupBy(guarded, ({ kind }) => kind ?? 'The server, and what happened')
  return [...groups]
    .map(([kind, of]) => {
      const lines = of.map(row => [
        `\`${nameOf(row).replace('/api/v1', '')}\``,
        `\`${row.permission}\``,
        short(admitted(row, places.own)),
        short(admitted(row, null)),
      ])
      return `### ${kind}\n\n${table(['call', 'permission', 'given in the workspace', 'given on the platform'], lines)}`
    })
    .join('\n\n')
}

function withoutPermission(rows: readonly Row[]): string {
  const lines = rows
    .filter(({ permission }) => permission === undefined)
    .map(row => [
      `\`${nameOf(row)}\``,
      row.public === undefined ? 'any caller' : 'anyone',
      row.public ?? row.self ?? '',
    ])
  return table(['call', 'for', 'because'], lines)
}

export function page(rows: readonly Row[]): string {
  return `# Who may do what

This page is made from the permission table, the preset roles and the route table by
\`npx vitest run packages/api/test/rights.test.ts -u\`, and a test fails while it is out of date. That what it says is so
is shown three times for every preset, kind, verb and place: by the function that decides, over HTTP, and by the
database's row-level security alone.

## How rights are put together

- A **permission** is \`noun:verb\`, such as \`endpoint:create\`. A **Role** is a list of them; \`endpoint:*\`, \`*:read\` and
  \`*\` stand for all that they cover.
- A **RoleAssignment** gives a role to a User, a ServiceAccount or a Group of an IdentityProvider, where it lives: in its
  workspace, or everywhere when it is a platform document. An IdentityProvider maps groups to roles likewise. Grants add
  up, and nothing is taken away by a rule: what nobody gave is refused.
- A grant of a workspace reaches neither another workspace nor a platform document. Platform documents with \`spec.share\`
  may be read and used, not changed, from the workspaces that they are lent to; platform Roles from all.
- An **API key** may do what its owner may, narrowed by its scopes and to its workspace.
- Nobody gives what they do not hold at that place, by a role, an assignment, a mapping of a
  group, a key, an invitation or a password: \`grant_not_held\`.
- The preset roles below cannot be changed or deleted; make a role of your own beside them.
- The platform keeps an administrator: the last User who has the role \`admin\` (or another with \`*\`) everywhere, without
  an expiry, cannot be disabled, deleted or unassigned, nor their role narrowed: \`last_admin\`. One who is so by a group
  alone does not count: others say who is in it.

A refusal tells which of these stood in the way:

| status | \`reason\` | what it means |
| --- | --- | --- |
| 403 | \`permission_missing\` | no role of yours gives the permission there |
| 403 | \`scope_missing\` | the key's owner holds it, the key's scopes leave it out |
| 403 | \`key_workspace\` | the key's owner holds it there, the key works in another workspace |
| 403 | \`grant_not_held\` | you would give what you do not hold |
| 404 | \`workspace_not_found\`, \`not_found\` | it is not there, or you hold nothing there: the two are not told apart |

\`GET /api/v1/whoami\` says what you hold.

## The presets

Given in a workspace a preset holds this there and nothing elsewhere; given on the platform it holds it everywhere.
**r** read, **c** create, **u** update, **d** delete; other verbs by their name. Where a preset does not hold
\`api_key:any\`, the verbs of \`api_key\` are for one's own keys alone. A Quota binds the workspace that it stands in: given
there, a preset reads it and no more.

${presetTable()}

## Every call

Which presets a call lets in: given in the workspace that is asked about, and given on the platform. A call without a
workspace in its address that lists or reads shows what the caller may read, wherever that is.

${routeTables(rows)}

## Calls without a permission

${withoutPermission(rows)}
`
}
