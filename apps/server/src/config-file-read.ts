// The configuration file as text, with what it names, and as documents, with every reason why it cannot be taken.
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Wanted } from '@switchyard/api'
import type { Fault } from '@switchyard/kinds'
import {
  byPlace,
  type Entry,
  judge,
  type Lookup,
  located,
  order,
  problemAt,
  readDocuments,
} from '@switchyard/manifest'
import type { Key } from '@switchyard/runtime'

/** Workspace of documents that name none. */
const home = 'default'
/** Most bytes of the file, and of one that it names. */
const mostBytes = 64 * 1024 * 1024

export interface ConfigText {
  /** As a person named it. */
  readonly file: string
  readonly text: string
  /** Why it cannot be read. */
  readonly unreadable: string | undefined
  readonly lookup: Lookup
  /** Of the text and of every value that it names: another one is another configuration. */
  readonly print: string
  /** A refusal of the server's in the words of the file. */
  readonly objection: (
    index: number | undefined,
    entries: readonly Entry[],
    document: Key,
    fault: Fault,
  ) => readonly string[]
}

export interface Config {
  readonly entries: readonly Entry[]
  readonly wanted: readonly Wanted[]
  /** `FILE:LINE:COLUMN path: what to do`. */
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
}

export function readConfigText(file: string, variable: (name: string) => string | undefined): ConfigText {
  const { text = '', problem } = read(file)
  // Looked up once for one reading, so that what was checked is what is written.
  const values = new Map<string, string | undefined>()
  const once = (key: string, look: () => string | undefined) => {
    if (!values.has(key)) values.set(key, look())
    return values.get(key)
  }
  const lookup: Lookup = {
    env: name => once(`env ${name}`, () => variable(name)),
    file: path => once(`file ${path}`, () => read(resolve(dirname(file), path)).text),
  }
  for (const [, source, name = ''] of text.matchAll(/\$\{(ENV|FILE):([^}]+)\}/g))
    if (source === 'ENV') lookup.env(name)
    else lookup.file(name)
  const print = createHash('sha256')
    .update(text)
    .update(problem ?? '')
  for (const [key, value] of values) print.update(`\0${key}\0${value ?? ''}`)
  return { file, text, unreadable: problem, lookup, print: print.digest('hex'), objection }
}

const causes: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file: put it there',
  EACCES: 'it may not be read: make it readable for the user that the server runs as',
  EISDIR: 'it is a folder: name a file',
}

function read(path: string): { readonly text?: string; readonly problem?: string } {
  try {
    if (statSync(path).size > mostBytes) return { problem: 'it is larger than 64 MiB: split it' }
    return { text: readFileSync(path, 'utf8') }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    return { problem: causes[code] ?? `it cannot be read (${code})` }
  }
}

/** A file that was cut off holds nothing; one that wants nothing says so. */
const wantsNothing = (text: string) => text.replace(/^\s*#.*$/gm, '').trim() === '[]'

export function readConfig({ file, text, unreadable, lookup }: ConfigText): Config {
  if (unreadable !== undefined)
    return { entries: [], wanted: [], errors: [`${file}: ${unreadable}`], warnings: [] }
  const { entries, problems, found } = readDocuments([{ file, text }], home, lookup)
  if (found === 0 && problems.length === 0 && !wantsNothing(text)) {
    const empty = `${file}: it holds no document: write [] to take away all that it has made`
    return { entries, wanted: [], errors: [empty], warnings: [] }
  }
  const all = [...problems, ...judge(entries, { elsewhere: 'ignore' })].toSorted(byPlace)
  const errors = all.filter(({ severity }) => severity === 'error').map(located)
  const warnings = all.filter(({ severity }) => severity === 'warning').map(located)
  if (errors.length > 0) return { entries, wanted: [], errors, warnings }
  const ordered = order(entries)
  const wanted = ordered.map(
    ({ kind, workspace, name, manifest }): Wanted => ({ kind: kind.kind, workspace, name, manifest }),
  )
  return { entries: ordered, wanted, errors, warnings }
}

/** `tiers.0.targets` as the file's own paths have it: `tiers[0].targets`. */
const indexed = (path: string) => path.replace(/\.(\d+)(?=\.|$)/g, '[$1]')

function objection(
  index: number | undefined,
  entries: readonly Entry[],
  { kind, workspace, name }: Key,
  fault: Fault,
): readonly string[] {
  const entry = index === undefined ? undefined : entries[index]
  if (!entry) {
    const where = workspace === null ? '' : ` of the workspace ${workspace}`
    return [`${kind} ${name}${where} is no longer in the file, and cannot go: ${fault.message}`]
  }
  const details = fault.details.filter(({ path }) => path !== '')
  const told = details.length > 0 ? details : [{ path: '', rule: fault.reason, message: fault.message }]
  return told.map(({ path, rule, message }) =>
    located(problemAt(entry.place, { path: indexed(path), rule, message })),
  )
}
