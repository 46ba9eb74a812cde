// Who did what: as a table, or as lines to take away.
import type { AuditEntry, AuditFilter } from '@switchyard/client'
import { Fault } from '@switchyard/kinds'
import type { Cli } from '../cli.ts'
import { parseMoment } from '../duration.ts'
import { readTargets } from '../kinds.ts'
import { json, yaml } from '../output/formats.ts'
import { type TableColumn, table } from '../output/table.ts'

export interface AuditOptions {
  readonly from?: string
  readonly to?: string
  readonly actor?: string
  readonly action?: string
  readonly for?: string
  readonly outcome?: string
  readonly search?: string
  readonly limit: number
}

export interface ExportOptions extends Omit<AuditOptions, 'limit'> {
  readonly form: string
  readonly proofs?: boolean
}

const forms = ['json', 'ocsf', 'cloudevents']

async function filterOf(cli: Cli, options: Omit<AuditOptions, 'limit'>): Promise<AuditFilter> {
  const { from, to, actor, action, outcome, search } = options
  const { workspace } = await cli.target()
  const now = cli.terminal.now()
  const filter = {
    workspace: cli.flags.allWorkspaces ? undefined : workspace,
    from: from === undefined ? undefined : parseMoment(from, '--from', now, -1),
    to: to === undefined ? undefined : parseMoment(to, '--to', now, -1),
    actor,
    action,
    outcome,
    q: search,
  }
  if (options.for === undefined) return filter
  const [ref, another] = readTargets([options.for], workspace).refs
  if (!ref || another)
    throw new Fault('invalid', `--for ${options.for}: write KIND/NAME, such as endpoint/chat.`)
  // A platform document's entries are the platform's.
  return { ...filter, workspace: ref.workspace ?? undefined, kind: ref.kind.kind, name: ref.name }
}

const record = (value: unknown): AuditEntry =>
  typeof value === 'object' && value !== null ? (value as AuditEntry) : {}
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

function objectOf(entry: AuditEntry, withWorkspace: boolean): string {
  const { kind, name } = record(entry.resource)
  const object =
    kind === undefined ? '-' : `${text(kind).toLowerCase()}${name === undefined ? '' : `/${text(name)}`}`
  return withWorkspace && typeof entry.workspace === 'string' ? `${entry.workspace}: ${object}` : object
}

/** What was refused and why, how often, or in whose name. */
function remark(entry: AuditEntry): string {
  const { code, reason, count, subject } = entry
  const parts = [text(reason) || text(code), text(subject), typeof count === 'number' ? `${count} times` : '']
  return parts.filter(part => part !== '').join(', ')
}

export async function list(cli: Cli, { limit, ...options }: AuditOptions): Promise<void> {
  const { output, headers, allWorkspaces } = cli.flags
  const filter = await filterOf(cli, options)
  const entries = await (await cli.client()).audit(filter, limit)
  if (output === 'json') return cli.out(json({ items: entries }))
  if (output === 'yaml') return cli.out(await yaml([{ items: entries }]))
  if (entries.length === 0) return cli.note('Nothing of that in the trail.')
  const columns: readonly TableColumn[] = [
    { title: 'TIME' },
    { title: 'ACTOR' },
    { title: 'ACTION' },
    { title: 'OBJECT' },
    {
      title: 'OUTCOME',
      paint: (padded, outcome) => (outcome === 'success' ? padded : cli.colors.yellow(padded)),
    },
    { title: 'REMARK' },
    ...(output === 'wide' ? [{ title: 'FROM' }, { title: 'REQUEST' }, { title: 'SEQ' }] : []),
  ]
  const cells = entries.map(entry => {
    const origin = record(entry.origin)
    const wide = [text(origin.ip) || '-', text(origin.request) || '-', String(entry.seq)]
    return [
      text(entry.time).replace(/\.\d+Z$/, 'Z'),
      text(record(entry.actor).id),
      text(entry.action),
      objectOf(entry, allWorkspaces),
      text(entry.outcome),
      remark(entry),
      ...(output === 'wide' ? wide : []),
    ]
  })
  cli.out(table(columns, cells, { headers, paintHeader: cli.colors.bold }).text)
}

export async function exportEntries(
  cli: Cli,
  { form, proofs = false, ...options }: ExportOptions,
): Promise<void> {
  if (!forms.includes(form)) throw new Fault('invalid', `--form ${form}: write ${forms.join(', ')}.`)
  const filter = await filterOf(cli, options)
  const client = await cli.client()
  for await (const line of client.exportAudit(filter, { form, proofs, signal: cli.signal }))
    cli.out(`${line}\n`)
}

/** With `another`, a new private key for the same log. */
export async function key(cli: Cli, another = false): Promise<void> {
  const { keys, protection } = await (await cli.client()).auditKeys()
  if (another) {
    const { newSigner } = await import('@switchyard/ledger')
    const name = keys[0]?.split('+')[0] ?? ''
    cli.out(`${newSigner(name, crypto.getRandomValues(new Uint8Array(32)))}\n`)
    return
  }
  for (const one of keys) cli.out(`${one}\n`)
  cli.note(`The archive is kept as ${protection}.`)
}

export async function erase(cli: Cli, principals: readonly string[]): Promise<void> {
  await cli.confirm(
    `What the trail tells of ${principals.join(', ')} can be read by nobody any more, here, in its archive and in exports with proofs. Go ahead?`,
  )
  for (const { principal, person, known } of await (await cli.client()).eraseFromAudit(principals))
    cli.note(
      known
        ? `${principal} is erased: entries name it as person:${person}.`
        : `The trail has told nothing of ${principal} that is sealed.`,
    )
}

export async function resume(cli: Cli): Promise<void> {
  const entries = await (await cli.client()).resumeAudit()
  cli.note(entries === 0 ? 'Nothing was missing.' : `${entries} entries were read back; the log goes on.`)
}
