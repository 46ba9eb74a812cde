// Files to documents: every document of every file is parsed and checked before the first is sent.
import { apiVersion, Fault, findKind, type Kind } from '@switchyard/kinds'
import { isMap, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml'
import { checkDocument } from './check.ts'
import { nearest, unknownKind } from './nearest.ts'
import { type Place, placeIn } from './place.ts'
import { fillIn, holdsPlaceholder, type Lookup } from './placeholder.ts'
import { type Problem, problemAt, problemSentence, refusal } from './problem.ts'

export interface Source {
  /** As a person would name it: the path that was given, or `stdin`. */
  readonly file: string
  readonly text: string
}

/** What a person writes: an envelope whose server-owned parts may be absent. */
export interface Manifest {
  readonly apiVersion?: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly workspace?: string | null } & Readonly<
    Record<string, unknown>
  >
  readonly spec?: unknown
}

/** One document of a file. */
export interface Entry {
  readonly kind: Kind
  /** null is the platform. */
  readonly workspace: string | null
  readonly name: string
  readonly manifest: Manifest
  readonly place: Place
}

export interface Read {
  /** How many documents there are, right or wrong. */
  readonly found: number
  readonly entries: readonly Entry[]
  readonly problems: readonly Problem[]
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

interface Found {
  readonly value: unknown
  readonly place: Place
}

const kindOf = (value: unknown) =>
  isRecord(value) && typeof value.kind === 'string' ? value.kind : undefined

/** A file's documents; a list, and a `…List`, gives its items. Problems of the YAML itself have their place. */
function split({ file, text }: Source): { found: Found[]; problems: Problem[] } {
  const lines = new LineCounter()
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })
  if (!Array.isArray(parsed)) return { found: [], problems: [] } // an empty stream
  const filled = parsed.filter(({ contents, errors }) => contents !== null || errors.length > 0)
  const problems: Problem[] = []
  const found: Found[] = []
  filled.forEach((yaml, index) => {
    const number = filled.length === 1 ? undefined : index + 1
    const wrong = (message: string, offset?: number) => {
      const { line, col } = offset === undefined ? { line: undefined, col: undefined } : lines.linePos(offset)
      problems.push({
        severity: 'error',
        file,
        kind: undefined,
        line,
        column: col,
        document: number,
        path: '',
        rule: 'yaml',
        message,
      })
    }
    for (const { message, pos } of yaml.errors) wrong(message, pos[0])
    if (yaml.errors.length > 0) return
    let value: unknown
    try {
      value = yaml.toJS({ maxAliasCount: 100 })
    } catch (error) {
      wrong(error instanceof Error ? error.message : String(error))
      return
    }
    if (value === null) return
    const root: Node | null = yaml.contents
    const each = (items: readonly unknown[], nodes: unknown) =>
      items.forEach((item, at) => {
        const node = isSeq(nodes) ? (nodes.items[at] as Node) : null // items of a parsed sequence are nodes
        const which = items.length === 1 ? number : at + 1
        found.push({ value: item, place: placeIn(file, which, yaml, lines, node, kindOf(item)) })
      })
    if (Array.isArray(value)) each(value, root)
    else if (
      isRecord(value) &&
      Array.isArray(value.items) &&
      String(value.kind).endsWith('List') &&
      isMap(root)
    )
      each(value.items, root.get('items', true))
    else found.push({ value, place: placeIn(file, number, yaml, lines, root, kindOf(value)) })
  })
  return { found, problems }
}

/** Secrets that stand in the file itself. */
function bareSecrets({ kind, secrets }: Kind, value: Readonly<Record<string, unknown>>) {
  return secrets.flatMap(path => {
    let given: unknown = value
    for (const part of path.split('.')) given = isRecord(given) ? given[part] : undefined
    const texts: readonly (readonly [string, unknown])[] =
      typeof given === 'string'
        ? [[path, given]]
        : Object.entries(isRecord(given) ? given : {}).map(([name, text]) => [`${path}.${name}`, text])
    return texts
      .filter(([, text]) => typeof text === 'string' && !holdsPlaceholder(text))
      .map(([at]) => ({
        path: at,
        rule: 'bare_secret',
        message: `a secret of a ${kind} does not stand in the file: write \${ENV:NAME} or \${FILE:path}`,
      }))
  })
}

function toEntry(
  { value: raw, place }: Found,
  home: string,
  lookup: Lookup | undefined,
): Problem[] | { readonly entry: Entry; readonly warnings: readonly Problem[] } {
  const say = (path: string, message: string, rule = 'invalid_value') =>
    problemAt(place, { path, rule, message })
  if (!isRecord(raw)) return [say('', 'a document is a map with apiVersion, kind, metadata and spec')]
  if (typeof raw.kind !== 'string') {
    const near = nearest('kind', Object.keys(raw))
    return [
      say(
        'kind',
        near ? `is required, such as Endpoint; did you write ${near}?` : 'is required, such as Endpoint',
      ),
    ]
  }
  const kind = findKind(raw.kind)
  if (!kind || kind.kind !== raw.kind) return [say('kind', unknownKind(raw.kind), 'unknown_kind')]
  if (kind.system) return [say('kind', `a ${kind.kind} is written by Switchyard itself, never by a file`)]
  const wrong: Problem[] = []
  if (raw.apiVersion !== undefined && raw.apiVersion !== apiVersion)
    wrong.push(say('apiVersion', `must be ${apiVersion}`))
  const { value: filled, problems } = lookup ? fillIn(raw, lookup) : { value: raw, problems: [] }
  const value = filled as typeof raw // filling in keeps the shape
  const missing = new Set(problems.map(({ path }) => path))
  wrong.push(
    ...problems.map(one => problemAt(place, one, lookup?.missing)),
    ...(lookup ? bareSecrets(kind, raw).map(one => problemAt(place, one)) : []),
    // What a placeholder could not give has been told.
    ...checkDocument(kind, value)
      .filter(({ path }) => !missing.has(path))
      .map(one => problemAt(place, one)),
  )
  if (wrong.some(({ severity }) => severity === 'error')) return wrong
  const manifest = value as unknown as Manifest // checked above
  const { name, workspace } = manifest.metadata
  const entry: Entry = {
    kind,
    name,
    workspace: kind.scope === 'platform' || workspace === null ? null : (workspace ?? home),
    manifest,
    place,
  }
  return { entry, warnings: wrong }
}

export const keyOf = ({ kind, workspace, name }: Pick<Entry, 'kind' | 'workspace' | 'name'>) =>
  `${kind.kind}|${workspace ?? ''}|${name}`

/**
 * Every document that is right by itself, and every problem of those that are not. `home` is the workspace of
 * documents that name none. With `lookup` placeholders are filled in, and secrets must be placeholders.
 * `told` hears how many documents have been checked, of how many.
 */
export function readDocuments(
  sources: readonly Source[],
  home: string,
  lookup?: Lookup,
  told?: (done: number, total: number) => void,
): Read {
  const entries: Entry[] = []
  const problems: Problem[] = []
  const seen = new Map<string, Entry>()
  let total = 0
  for (const source of sources) {
    const { found, problems: unreadable } = split(source)
    problems.push(...unreadable)
    total += found.length
    for (const [index, one] of found.entries()) {
      told?.(index + 1, found.length)
      const made = toEntry(one, home, lookup)
      if (Array.isArray(made)) {
        problems.push(...made)
        continue
      }
      const { entry } = made
      problems.push(...made.warnings)
      const first = seen.get(keyOf(entry))
      if (first) {
        const at = `${first.place.file}:${first.place.line('metadata.name') ?? 1}`
        const message = `${entry.name} stands at ${at} already`
        problems.push(problemAt(entry.place, { path: 'metadata.name', rule: 'duplicate', message }))
      } else seen.set(keyOf(entry), entry)
      entries.push(entry)
    }
  }
  return { entries, problems, found: total }
}

/** Throws one `invalid` with every problem there is. */
export function readManifests(sources: readonly Source[], home: string): readonly Entry[] {
  const { entries, problems } = readDocuments(sources, home)
  if (problems.length > 0) throw refusal(problems.map(problemSentence))
  if (entries.length === 0) throw new Fault('invalid', 'There is no document in what was given.')
  return entries
}
