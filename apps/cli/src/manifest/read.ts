// Files to documents: every document of every file is parsed and checked before the first is sent.
import type { Manifest } from '@switchyard/client'
import { apiVersion, Fault, findKind, type Kind } from '@switchyard/kinds'
import { isMap, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml'
import { unknownKind } from '../kinds.ts'
import { checkDocument } from './check.ts'
import { type Place, placeIn, sentence } from './place.ts'
import type { Source } from './source.ts'

/** One document of a file. */
export interface Entry {
  readonly kind: Kind
  /** null is the platform. */
  readonly workspace: string | null
  readonly name: string
  readonly manifest: Manifest
  readonly place: Place
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

interface Found {
  readonly value: unknown
  readonly place: Place
}

/** A file's documents; a `…List` gives its items. Problems of the YAML itself are sentences with a line. */
function split({ file, text }: Source): { found: Found[]; problems: string[] } {
  const lines = new LineCounter()
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })
  if (!Array.isArray(parsed)) return { found: [], problems: [] } // an empty stream
  const filled = parsed.filter(({ contents, errors }) => contents !== null || errors.length > 0)
  const problems: string[] = []
  const found: Found[] = []
  filled.forEach((yaml, index) => {
    const number = filled.length === 1 ? undefined : index + 1
    const which = number === undefined ? '' : ` (document ${number})`
    for (const { message, pos } of yaml.errors)
      problems.push(`${file}:${lines.linePos(pos[0]).line}${which}: ${message}`)
    if (yaml.errors.length > 0) return
    let value: unknown
    try {
      value = yaml.toJS({ maxAliasCount: 100 })
    } catch (error) {
      problems.push(`${file}${which}: ${error instanceof Error ? error.message : String(error)}`)
      return
    }
    if (value === null) return
    const root: Node | null = yaml.contents
    if (isRecord(value) && Array.isArray(value.items) && String(value.kind).endsWith('List') && isMap(root)) {
      const items: unknown = root.get('items', true)
      value.items.forEach((item: unknown, at) => {
        const node = isSeq(items) ? (items.items[at] as Node) : null // items of a parsed sequence are nodes
        found.push({ value: item, place: placeIn(file, at + 1, yaml, lines, node) })
      })
    } else found.push({ value, place: placeIn(file, number, yaml, lines, root) })
  })
  return { found, problems }
}

function toEntry({ value, place }: Found, home: string): Entry | string[] {
  const say = (path: string, message: string) => sentence(place, path, message)
  if (!isRecord(value)) return [say('', 'a document is a map with apiVersion, kind, metadata and spec')]
  if (typeof value.kind !== 'string') return [say('kind', 'is required, such as Endpoint')]
  const kind = findKind(value.kind)
  if (!kind || kind.kind !== value.kind) return [say('kind', unknownKind(value.kind))]
  if (kind.system) return [say('kind', `a ${kind.kind} is written by Switchyard itself, never by a file`)]
  const wrong: string[] = []
  if (value.apiVersion !== apiVersion) wrong.push(say('apiVersion', `must be ${apiVersion}`))
  wrong.push(...checkDocument(kind, value).map(({ path, message }) => say(path, message)))
  if (wrong.length > 0) return wrong
  const manifest = value as unknown as Manifest // checked above
  const { name, workspace } = manifest.metadata
  return {
    kind,
    name,
    workspace: kind.scope === 'platform' || workspace === null ? null : (workspace ?? home),
    manifest,
    place,
  }
}

export const keyOf = ({ kind, workspace, name }: Pick<Entry, 'kind' | 'workspace' | 'name'>) =>
  `${kind.kind}|${workspace ?? ''}|${name}`

/** `home` is the workspace of documents that name none. Throws one `invalid` with every problem there is. */
export function readManifests(sources: readonly Source[], home: string): readonly Entry[] {
  const entries: Entry[] = []
  const problems: string[] = []
  const seen = new Map<string, Entry>()
  for (const source of sources) {
    const { found, problems: unreadable } = split(source)
    problems.push(...unreadable)
    for (const one of found) {
      const entry = toEntry(one, home)
      if (Array.isArray(entry)) {
        problems.push(...entry)
        continue
      }
      const first = seen.get(keyOf(entry))
      if (first) {
        const at = `${first.place.file}:${first.place.line('metadata.name') ?? 1}`
        problems.push(sentence(entry.place, 'metadata.name', `${entry.name} stands at ${at} already`))
      } else seen.set(keyOf(entry), entry)
      entries.push(entry)
    }
  }
  if (problems.length > 0) throw refusal(problems)
  if (entries.length === 0) throw new Fault('invalid', 'There is no document in what was given.')
  return entries
}

export function refusal(problems: readonly string[]): Fault {
  const count = problems.length === 1 ? 'One thing is' : `${problems.length} things are`
  return new Fault(
    'invalid',
    `${count} wrong, so nothing was sent:\n${problems.map(line => `  ${line}`).join('\n')}`,
    {
      reason: 'bad_manifest',
    },
  )
}
