// From what a person wrote to a valid write: envelope, defaults, limits, reserved keys and secrets set aside.
import {
  apiVersion,
  type Detail,
  type Document,
  Fault,
  type Kind,
  type Metadata,
  serverMetadataFields,
  type WritableMetadata,
  writableMetadataSchema,
} from '@switchyard/kinds'
import { invalid, issueDetails } from './invalid.ts'
import { canonical, isObject, type Json, mergePatch } from './merge-patch.ts'
import { valueAt } from './selector.ts'

const reservedPrefix = 'switchyard.dev/'
const documentBytes = 1024 * 1024
const deepest = 32

/** A valid write: server fields dropped, defaults applied, secrets set aside. */
export interface Draft {
  readonly metadata: WritableMetadata
  /** Without secrets. */
  readonly spec: { readonly [key: string]: unknown }
  /** New values of secret fields, by path below spec; one that is no string as JSON. */
  readonly secrets: NewSecrets
}

/** By path below spec; null takes the value away that the field holds. A field that is not here keeps its own. */
export type NewSecrets = ReadonlyMap<string, string | null>

/** Where a document is written: the path of the request says it, or its metadata does. */
export interface Target {
  readonly workspace: string | null
  /** Absent for POST to a collection. */
  readonly name?: string
}

const metadataShape: ReadonlySet<string> = new Set([
  ...Object.keys(writableMetadataSchema.shape),
  ...serverMetadataFields,
])

/**
 * Reads the body of a POST or PUT, or what a patch was merged into that has taken the secrets at `taken` away. Throws
 * `invalid` with every problem at once.
 */
export function readDraft(
  kind: Kind,
  body: unknown,
  target: Target,
  stored: Document | undefined,
  taken: readonly string[] = [],
): Draft {
  if (!isObject(body)) throw invalid([{ path: '', rule: 'invalid_type', message: 'send one JSON object' }])
  checkSize(body)
  const problems: Detail[] = []
  const problem = (path: string, rule: string, message: string) => problems.push({ path, rule, message })

  for (const field of Object.keys(body))
    if (!['apiVersion', 'kind', 'metadata', 'spec', 'status'].includes(field))
      problem(field, 'unknown_field', 'is not a field of a document')
  if (body.apiVersion !== undefined && body.apiVersion !== apiVersion)
    problem('apiVersion', 'invalid_value', `must be ${apiVersion}`)
  if (body.kind !== undefined && body.kind !== kind.kind)
    problem('kind', 'invalid_value', `must be ${kind.kind} at this address`)

  const metadata = readMetadata(body.metadata, target, stored, problem)
  const { plain, secrets } = setSecretsAside(kind, body.spec ?? {})
  for (const path of taken) secrets.set(path, null)
  const spec = kind.spec.safeParse(plain)
  if (!spec.success) problems.push(...issueDetails(spec.error.issues, 'spec'))
  if (problems.length > 0 || !metadata || !spec.success) throw invalid(problems)
  // Secret values were validated with the rest and are taken out again.
  return { metadata, spec: without(spec.data, kind.secrets), secrets }
}

/** Applies a merge patch to what a person may write of the stored document, and reads it like a replace. */
export function readPatch(kind: Kind, patch: unknown, stored: Document): Draft {
  if (!isObject(patch)) throw invalid([{ path: '', rule: 'invalid_type', message: 'send one JSON object' }])
  // Before it is merged, because merging goes as deep as the patch does.
  checkSize(patch)
  const problems = reservedKeys(patch.metadata).map(path => ({
    path,
    rule: 'reserved',
    message: `keys that start with ${reservedPrefix} belong to the server`,
  }))
  const taken: string[] = []
  for (const path of kind.secrets.map(below)) {
    const given = valueAt(patch.spec, path)
    if (given === null) taken.push(path)
    else if (isObject(given) && Object.values(given).includes(null))
      problems.push({
        path: `spec.${path}`,
        rule: 'replaced_whole',
        message: 'is replaced whole: send all that it shall hold, or null to take it away',
      })
  }
  if (problems.length > 0) throw invalid(problems)
  // A document and a parsed body are JSON.
  const before = { metadata: writableOf(stored.metadata), spec: stored.spec } as unknown as Json
  const { status: _status, ...writable } = patch
  return readDraft(kind, mergePatch(before, writable as Json), locate(stored), stored, taken)
}

function locate({ metadata }: Document): Target {
  return { workspace: metadata.workspace, name: metadata.name }
}

function reservedKeys(metadata: unknown): readonly string[] {
  return ['labels', 'annotations'].flatMap(map => {
    const entries = valueAt(metadata, map)
    if (!isObject(entries)) return []
    return Object.keys(entries)
      .filter(key => key.startsWith(reservedPrefix))
      .map(key => `metadata.${map}.${key}`)
  })
}

type Problem = (path: string, rule: string, message: string) => void

function readMetadata(
  given: unknown,
  target: Target,
  stored: Document | undefined,
  problem: Problem,
): WritableMetadata | undefined {
  if (given !== undefined && !isObject(given)) {
    problem('metadata', 'invalid_type', 'must be an object')
    return undefined
  }
  const entries = Object.entries(given ?? {})
  for (const [field] of entries)
    if (!metadataShape.has(field)) problem(`metadata.${field}`, 'unknown_field', 'is not a field of metadata')
  const own = new Set<string>(Object.keys(writableMetadataSchema.shape))
  const written: Record<string, unknown> = Object.fromEntries(entries.filter(([field]) => own.has(field)))

  if (target.name !== undefined) {
    written.name ??= target.name
    if (written.name !== target.name)
      problem('metadata.name', 'immutable', `must be ${target.name}, the name in the address`)
  }
  if (written.workspace === undefined) written.workspace = target.workspace
  if (written.workspace !== target.workspace)
    problem(
      'metadata.workspace',
      'immutable',
      target.workspace === null
        ? 'a platform document has none'
        : `must be ${target.workspace}, as in the address`,
    )
  const parsed = writableMetadataSchema.safeParse(written)
  if (!parsed.success) {
    for (const { path, rule, message } of issueDetails(parsed.error.issues, 'metadata'))
      problem(path, rule, message)
    return undefined
  }
  const labels = keepReserved('labels', parsed.data.labels, stored?.metadata.labels, problem)
  const annotations = keepReserved(
    'annotations',
    parsed.data.annotations,
    stored?.metadata.annotations,
    problem,
  )
  return { ...parsed.data, labels, annotations }
}

/** The server's own keys stay as stored: a write may repeat them or leave them out, not change them. */
function keepReserved(
  map: string,
  given: Readonly<Record<string, string>> = {},
  stored: Readonly<Record<string, string>> = {},
  problem: Problem,
): Record<string, string> {
  const isReserved = ([key]: readonly [string, string]) => key.startsWith(reservedPrefix)
  for (const [key, value] of Object.entries(given).filter(isReserved))
    if (stored[key] !== value)
      problem(
        `metadata.${map}.${key}`,
        'reserved',
        `keys that start with ${reservedPrefix} belong to the server`,
      )
  const own = Object.entries(given).filter(entry => !isReserved(entry))
  return Object.fromEntries([...own, ...Object.entries(stored).filter(isReserved)])
}

/** A secret that comes back as the marker of a read keeps its value, null takes it away, another value replaces it. */
function setSecretsAside(kind: Kind, given: unknown) {
  const secrets = new Map<string, string | null>()
  let plain = given
  for (const path of kind.secrets.map(below)) {
    const value = valueAt(plain, path)
    const empty = value === null || (isObject(value) && Object.keys(value).length === 0)
    if (empty) secrets.set(path, null)
    if (empty || (isObject(value) && value.set === true)) plain = without(plain, [`spec.${path}`])
    else if (typeof value === 'string') secrets.set(path, value)
    else if (isObject(value)) secrets.set(path, canonical(value))
  }
  return { plain, secrets }
}

/** A path of a kind, without its leading `spec.`. */
export function below(path: string): string {
  return path.replace(/^spec\./, '')
}

function without(value: unknown, paths: readonly string[]): { readonly [key: string]: unknown } {
  const remove = (from: unknown, [step, ...rest]: readonly string[]): { readonly [key: string]: unknown } => {
    if (!isObject(from) || step === undefined) return {}
    const { [step]: inner, ...others } = from
    if (rest.length === 0) return others
    return inner === undefined ? from : { ...others, [step]: remove(inner, rest) }
  }
  return paths.map(below).reduce((left, path) => remove(left, path.split('.')), isObject(value) ? value : {})
}

function checkSize(body: unknown): void {
  if (depthOf(body) > deepest)
    throw invalid([{ path: '', rule: 'too_deep', message: `nest at most ${deepest} levels` }])
  if (Buffer.byteLength(JSON.stringify(body)) > documentBytes)
    throw new Fault('too_large', 'A document is at most 1 MiB.', { reason: 'document_too_large' })
}

function depthOf(value: unknown, limit = deepest + 1): number {
  if (limit === 0 || typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(inner => depthOf(inner, limit - 1)))
}

/** What a person may write of metadata. */
export function writableOf(metadata: Readonly<Metadata>): WritableMetadata {
  const { name, workspace, project, displayName, description, labels, annotations } = metadata
  return {
    name,
    workspace,
    project,
    ...(displayName === undefined ? {} : { displayName }),
    ...(description === undefined ? {} : { description }),
    labels,
    annotations,
  }
}
