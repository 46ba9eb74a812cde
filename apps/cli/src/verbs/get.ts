// Lists documents, or shows those that are named; with --watch goes on with every change.
import type { Client, ListQuery, Ref } from '@switchyard/client'
import { type Document, Fault, type Kind, kinds } from '@switchyard/kinds'
import type { Cli } from '../cli.ts'
import { kindNamed, readTargets } from '../kinds.ts'
import { readPath } from '../output/cell.ts'
import { documentTable, json, shortName, yaml } from '../output/formats.ts'
import { envelope } from '../output/key-order.ts'
import { watchKind } from './watch.ts'

export interface GetOptions {
  readonly watch?: boolean
  readonly selector?: string
  readonly fieldSelector?: string
  readonly sortBy?: string
  readonly limit?: number
}

export interface Shown {
  readonly kind: Kind
  readonly documents: readonly Document[]
}

/** `all`: every kind that lives in a workspace, what runs before what it rests on. */
const everyKind = kinds.filter(({ scope }) => scope !== 'platform').toReversed()

const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))

/** Compares numbers as numbers and everything else as text; what is absent goes last. */
export function compareAt(path: string): (a: Document, b: Document) => number {
  const sign = path.startsWith('-') ? -1 : 1
  const field = path.replace(/^-/, '')
  return (a, b) => {
    const [left, right] = [readPath(a, field), readPath(b, field)]
    if (left === undefined || right === undefined)
      return Number(left === undefined) - Number(right === undefined)
    if (typeof left === 'number' && typeof right === 'number') return sign * (left - right)
    return sign * text(left).localeCompare(text(right), 'en')
  }
}

/** What a person means by "the models": those of the workspace, and those of the platform besides. */
async function listKind(cli: Cli, client: Client, kind: Kind, query: ListQuery, wide: boolean) {
  const { workspace } = await cli.target()
  const everywhere = cli.flags.allWorkspaces || kind.scope === 'platform'
  const take = (where: string | null) =>
    Array.fromAsync(client.all(kind.kind, { ...query, workspace: where }))
  const found = await take(everywhere ? null : workspace)
  if (everywhere || !wide || kind.scope !== 'either') return found
  const { limit: _, ...unlimited } = query
  const all = await Array.fromAsync(client.all(kind.kind, { ...unlimited, workspace: null }))
  const shared = all.filter(({ metadata }) => metadata.workspace === null)
  return [...shared, ...found].slice(0, query.limit)
}

/** The document, or a refusal that names the platform's document of the same name when there is one. */
export async function readNamed(client: Client, kind: Kind, ref: Ref): Promise<Document> {
  try {
    return await client.get(kind.kind, ref)
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'not_found' || kind.scope !== 'either' || !ref.workspace)
      throw error
    const shared = await client.get(kind.kind, { name: ref.name }).catch(() => undefined) // only a hint
    if (!shared) throw error
    throw new Fault(
      'not_found',
      `There is no ${kind.kind} ${ref.name} in workspace ${ref.workspace}, but there is platform/${ref.name}.`,
    )
  }
}

export async function print(cli: Cli, shown: readonly Shown[], single: boolean): Promise<void> {
  const { output, headers, allWorkspaces } = cli.flags
  const documents = shown.flatMap(({ documents: some }) => some)
  if (output === 'json') {
    const only = shown.length === 1 ? shown[0] : undefined
    const kind = only ? `${only.kind.kind}List` : 'List'
    const items = documents.map(envelope)
    cli.out(json(single ? items[0] : { apiVersion: 'switchyard.dev/v1', kind, items }))
  } else if (output === 'yaml') cli.out(await yaml(documents.map(envelope)))
  else if (output === 'name') {
    for (const { kind, documents: some } of shown)
      for (const { metadata } of some)
        cli.out(
          `${shortName(kind, kind.scope === 'either' && metadata.workspace === null ? `platform/${metadata.name}` : metadata.name)}\n`,
        )
  } else {
    const filled = shown.filter(({ documents: some }) => some.length > 0)
    const look = {
      wide: output === 'wide',
      headers,
      colors: cli.colors,
      now: cli.terminal.now(),
      workspaces: allWorkspaces,
      kinds: shown.length > 1,
    }
    cli.out(filled.map(({ kind, documents: some }) => documentTable(kind, some, look).text).join('\n'))
  }
  if (documents.length === 0) {
    const words = shown.map(({ kind }) => kind.plural).join(', ')
    const where = allWorkspaces ? '' : ` in workspace ${(await cli.target()).workspace}`
    cli.note(
      `No ${shown.length > 3 ? 'documents' : words}${shown.every(({ kind }) => kind.scope === 'platform') ? '' : where}.`,
    )
  }
}

export async function get(cli: Cli, words: readonly string[], options: GetOptions): Promise<void> {
  const { selector, fieldSelector, sortBy, limit, watch } = options
  const { workspace } = await cli.target()
  const all = words[0] === 'all'
  if (all && words.length > 1) throw new Fault('invalid', '`get all` takes no names: name a kind instead.')
  const targets = all ? { kinds: everyKind, refs: [] } : readTargets(words, workspace)
  const client = await cli.client()
  const query: ListQuery = { labelSelector: selector, fieldSelector, limit }

  if (watch) {
    const [kind, another] = targets.kinds
    if (!kind || another || all) throw new Fault('invalid', '--watch takes one kind at a time.')
    return watchKind(cli, client, kind, query, new Set(targets.refs.map(({ name }) => name)))
  }

  if (targets.refs.length > 0) {
    if (selector !== undefined || fieldSelector !== undefined)
      throw new Fault('invalid', 'Give names or a selector, not both.')
    return getNamed(cli, client, targets.refs)
  }

  const shown: Shown[] = []
  for (const kind of targets.kinds) {
    const documents = await listKind(cli, client, kind, query, !all)
    shown.push({ kind, documents: sortBy === undefined ? documents : documents.toSorted(compareAt(sortBy)) })
  }
  await print(cli, shown, false)
}

/** Shows what is there, tells of each that is not, and answers with the first refusal. */
async function getNamed(
  cli: Cli,
  client: Client,
  refs: readonly (Ref & { readonly kind: Kind })[],
): Promise<void> {
  const byKind = new Map<Kind, Document[]>()
  const missing: Fault[] = []
  for (const { kind, ...ref } of refs)
    try {
      const documents = byKind.get(kind) ?? []
      byKind.set(kind, documents)
      documents.push(await readNamed(client, kind, ref))
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'not_found') throw error
      missing.push(error)
    }
  const shown = [...byKind].map(([kind, documents]) => ({ kind, documents }))
  if (shown.some(({ documents }) => documents.length > 0)) await print(cli, shown, refs.length === 1)
  const [first, ...others] = missing
  for (const { message } of others) cli.note(message)
  if (first) throw first
}

/** For verbs that take documents by name and nothing else. */
export async function refsOf(cli: Cli, words: readonly string[]) {
  const { workspace } = await cli.target()
  const { kinds: named, refs } = readTargets(words, workspace)
  if (refs.length > 0) return refs
  const kind = (named[0] ?? kindNamed(words[0] ?? '')).kind.toLowerCase()
  throw new Fault('invalid', `Name a document: ${kind} NAME. \`switchyard get ${kind}\` lists them.`)
}
