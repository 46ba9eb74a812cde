// Documents on stdout, in the format that was asked for.
import type { Document, Kind } from '@switchyard/kinds'
import { cell, readPath, span } from './cell.ts'
import type { Colors } from './colors.ts'
import { type Table, type TableColumn, table } from './table.ts'

export const formats = ['table', 'wide', 'name', 'json', 'yaml'] as const
export type Format = (typeof formats)[number]

export interface TableLook {
  readonly wide: boolean
  readonly headers: boolean
  readonly colors: Colors
  readonly now: Date
  /** Adds a WORKSPACE column; without it a platform document is named platform/NAME. */
  readonly workspaces: boolean
  /** Names are written kind/name, for tables of several kinds. */
  readonly kinds: boolean
}

/** Items of a list that a narrow table shows. */
const shortList = 3

/** Phases that are good, and those that want a person; every other is on its way. */
const good = new Set(['Ready', 'Active', 'Connected'])
const bad = new Set(['Failed', 'Invalid', 'Lost', 'Unreachable', 'Degraded', 'Stalled'])

export function paintPhase(colors: Colors, phase: string, text = phase): string {
  if (good.has(phase)) return colors.green(text)
  return bad.has(phase) ? colors.red(text) : colors.yellow(text)
}

/** `endpoint/chat`. */
export const shortName = (kind: Pick<Kind, 'kind'>, name: string) => `${kind.kind.toLowerCase()}/${name}`

const nameOf = (kind: Kind, { metadata }: Document, look: TableLook) => {
  const name =
    kind.scope === 'either' && metadata.workspace === null && !look.workspaces
      ? `platform/${metadata.name}`
      : metadata.name
  return look.kinds ? shortName(kind, name) : name
}

export function documentTable(
  kind: Kind,
  documents: readonly Document[],
  look: TableLook,
  atLeast?: readonly number[],
): Table {
  const shown = kind.columns.filter(column => look.wide || !column.wide)
  const withWorkspace = look.workspaces && kind.scope !== 'platform'
  const columns: TableColumn[] = [
    ...(withWorkspace ? [{ title: 'WORKSPACE' }] : []),
    { title: 'NAME' },
    ...shown.map(({ title, path }): TableColumn => {
      if (path === 'status.phase')
        return { title, paint: (padded, phase) => paintPhase(look.colors, phase, padded) }
      const numbers = documents.some(document => typeof readPath(document, path) === 'number')
      return numbers ? { title, align: 'right' } : { title }
    }),
    { title: 'AGE' },
  ]
  const rows = documents.map(document => [
    ...(withWorkspace ? [document.metadata.workspace ?? '-'] : []),
    nameOf(kind, document, look),
    ...shown.map(({ path }) => cell(readPath(document, path), look.now, look.wide ? undefined : shortList)),
    span(look.now.getTime() - new Date(document.metadata.creationTimestamp).getTime()),
  ])
  return table(columns, rows, { headers: look.headers, paintHeader: look.colors.bold }, atLeast)
}

export const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`

export async function yaml(values: readonly unknown[]): Promise<string> {
  const { stringify } = await import('yaml')
  return values.map(value => stringify(value, { lineWidth: 110 })).join('---\n')
}
