// All about a document: its fields, its conditions, who uses it, what happened, and what to do next.
import type { Client } from '@switchyard/client'
import { type Document, Fault, type Kind, kinds } from '@switchyard/kinds'
import type { Cli } from '../cli.ts'
import { cell, readPath, relative, span } from '../output/cell.ts'
import { paintPhase, shortName } from '../output/formats.ts'
import { envelope } from '../output/key-order.ts'
import { table } from '../output/table.ts'
import { displayWidth, safe } from '../output/width.ts'
import { readNamed, refsOf } from './get.ts'
import { nextCommands } from './next.ts'
import { conditionsOf } from './until.ts'

/** Most of each list that is shown. */
const most = 20

const indent = (text: string) => text.replace(/^(?=.)/gm, '  ')

type Field = readonly [name: string, value: string, paint?: (value: string) => string]

function fields(rows: readonly Field[]): string {
  const width = Math.max(...rows.map(([name]) => displayWidth(name))) + 2
  return rows
    .map(([name, value, paint = text => text]) =>
      `${`${name}:`.padEnd(width)} ${paint(safe(value))}`.trimEnd(),
    )
    .join('\n')
}

const pairs = (map: Readonly<Record<string, string>>) =>
  Object.entries(map)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ') || '-'

/** Documents that refer to this one, found by the fields that their kinds can be selected by. */
async function referrers(client: Client, kind: Kind, document: Document): Promise<readonly string[]> {
  const { name, workspace } = document.metadata
  const wanted = workspace === null && kind.scope === 'either' ? `platform/${name}` : name
  const found: string[] = []
  for (const other of kinds)
    for (const { path, to } of other.references) {
      const field = to === 'owner' ? `${path}.name` : path
      if ((to !== kind.kind && to !== 'owner') || !other.fields.includes(field)) continue
      const query = { workspace, fieldSelector: `${field}=${wanted}`, limit: most }
      try {
        for await (const one of client.all(other.kind, query)) {
          if (to === 'owner' && readPath(one, `${path}.kind`) !== kind.kind) continue
          found.push(
            `${shortName(other, one.metadata.name)}${one.metadata.workspace === workspace ? '' : ` (${one.metadata.workspace})`}`,
          )
        }
      } catch (error) {
        // What may not be read is not told, and is no reason to tell nothing.
        if (!(error instanceof Fault) || !['denied', 'not_found'].includes(error.code)) throw error
      }
    }
  return found
}

function conditionTable(cli: Cli, document: Document): string {
  const rows = conditionsOf(document).map(({ type, status, reason, message, lastTransitionTime }) => [
    type,
    status,
    reason,
    relative(lastTransitionTime, cli.terminal.now()),
    message,
  ])
  const titles = ['TYPE', 'STATUS', 'REASON', 'SINCE', 'MESSAGE'].map(title => ({ title }))
  return rows.length === 0 ? '' : table(titles, rows, { paintHeader: cli.colors.bold }).text
}

async function eventTable(cli: Cli, client: Client, { kind, metadata }: Document): Promise<string> {
  const { name, workspace } = metadata
  try {
    const events = await client.events({ workspace, kind, name, limit: most })
    const rows = events
      .slice(-most)
      .map(({ lastAt, type, reason, count, message }) => [
        relative(lastAt, cli.terminal.now()),
        type,
        count > 1 ? `${reason} (${count} times)` : reason,
        message,
      ])
    const titles = ['LAST', 'TYPE', 'REASON', 'MESSAGE'].map(title => ({ title }))
    return rows.length === 0 ? '' : table(titles, rows, { paintHeader: cli.colors.bold }).text
  } catch (error) {
    if (!(error instanceof Fault) || !['denied', 'not_found'].includes(error.code)) throw error
    return `${error.message}\n`
  }
}

async function text(cli: Cli, client: Client, kind: Kind, document: Document): Promise<string> {
  const { stringify } = await import('yaml')
  const { metadata } = document
  const { spec, status } = envelope(document)
  const { bold } = cli.colors
  const now = cli.terminal.now()
  const phase = cell(readPath(document, 'status.phase'), now)
  const rest = Object.fromEntries(
    Object.entries((status ?? {}) as object).filter(
      ([key]) => !['conditions', 'phase', 'observedGeneration'].includes(key),
    ), // a status is a map of its kind's fields
  )
  const yaml = (value: unknown) => safe(indent(stringify(value, { lineWidth: 110 })))
  const used = await referrers(client, kind, document)
  const events = await eventTable(cli, client, document)
  const conditions = conditionTable(cli, document)
  const next = nextCommands(document)
  const age = span(now.getTime() - new Date(metadata.creationTimestamp).getTime())
  const { project, displayName, description, deletionTimestamp, finalizers } = metadata
  const rows: readonly (Field | false | '' | null | undefined)[] = [
    ['Kind', kind.kind],
    ['Name', metadata.name],
    kind.scope !== 'platform' && ['Workspace', metadata.workspace ?? '(platform)'],
    project && ['Project', project],
    displayName && ['Title', displayName],
    description && ['About', description],
    ['Labels', pairs(metadata.labels)],
    ['Created', `${metadata.creationTimestamp} (${age} ago) by ${metadata.createdBy}`],
    deletionTimestamp && [
      'Deleting',
      `since ${deletionTimestamp}; waits for ${finalizers.join(', ') || 'nothing'}`,
    ],
    ['Phase', phase, text => paintPhase(cli.colors, phase, text)],
  ]
  return [
    fields(rows.filter(row => typeof row === 'object' && row !== null)),
    `\n${bold('Spec')}\n${yaml(spec)}`.trimEnd(),
    Object.keys(rest).length > 0 ? `\n${bold('Status')}\n${yaml(rest)}`.trimEnd() : '',
    conditions && `\n${bold('Conditions')}\n${indent(conditions)}`.trimEnd(),
    used.length > 0 ? `\n${bold('Used by')}\n${indent(used.slice(0, most).join('\n'))}` : '',
    events && `\n${bold('Events')}\n${indent(events)}`.trimEnd(),
    next.length > 0 ? `\n${bold('Next')}\n${indent(next.join('\n'))}` : '',
  ]
    .filter(Boolean)
    .join('\n')
}

export async function describe(cli: Cli, words: readonly string[]): Promise<void> {
  const { output } = cli.flags
  if (output !== 'table' && output !== 'wide')
    throw new Fault(
      'invalid',
      `describe is for people; \`switchyard get ${words.join(' ')} -o ${output}\` gives data.`,
    )
  const refs = await refsOf(cli, words)
  const client = await cli.client()
  let first = true
  for (const { kind, ...ref } of refs) {
    const document = await readNamed(client, kind, ref)
    if (!first) cli.out('\n')
    first = false
    cli.out(`${await text(cli, client, kind, document)}\n`)
  }
}
