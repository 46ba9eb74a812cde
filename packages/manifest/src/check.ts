// What is wrong with a document as a file has it, by the schema of its kind, before anything is sent.
import { type Detail, type Kind, serverMetadataFields, writableMetadataSchema } from '@switchyard/kinds'
import { fieldsAt } from './fields.ts'
import { nearest } from './nearest.ts'

/** The part of a zod issue that is read here; zod itself stays behind the kinds. */
interface Issue {
  readonly code: string
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly [rest: string]: unknown
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export function dotted(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? String(part) : `${text}.${String(part)}`
  }, '')
}

const units: Readonly<Record<string, string>> = { string: ' characters', array: ' items' }
const list = (values: unknown) => (Array.isArray(values) ? values.map(String).join(', ') : String(values))

/** A sentence for each rule; what has none keeps the schema's own message. */
function explain(issue: Issue, value: unknown): string {
  const { code, message } = issue
  const unit = units[String(issue.origin)] ?? ''
  if (code === 'too_big') return `must be at most ${String(issue.maximum)}${unit}`
  if (code === 'too_small') return `must be at least ${String(issue.minimum)}${unit}`
  if (code === 'invalid_value')
    return `${value === undefined ? 'is required,' : 'must be'} one of ${list(issue.values)}`
  if (code === 'invalid_type' && value === undefined) return 'is required'
  // A schema that has its own sentence for a wrong type says why the type matters.
  if (code === 'invalid_type' && message.startsWith('Invalid '))
    return `must be ${article(String(issue.expected))}`
  if (code === 'invalid_key' && Array.isArray(issue.issues))
    return list(issue.issues.filter(isRecord).map(inner => inner.message))
  return message.replace(/^Invalid (input|string): /, '')
}

const names: Readonly<Record<string, string>> = { int: 'a whole number', record: 'a map', object: 'a map' }
const article = (type: string) => names[type] ?? `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`

const unknownField = (name: string, known: readonly string[]): string => {
  const near = nearest(name, known)
  return near === undefined ? 'there is no such field' : `there is no such field; did you mean ${near}?`
}

function details(
  issues: readonly Issue[],
  base: string,
  root: unknown,
  known: (path: readonly PropertyKey[]) => readonly string[],
): Detail[] {
  const at = (path: readonly PropertyKey[]) => dotted([base, ...path])
  return issues.flatMap((issue): Detail[] => {
    const { code, path } = issue
    if (code === 'unrecognized_keys' && Array.isArray(issue.keys))
      return issue.keys.map(key => ({
        path: at([...path, String(key)]),
        rule: 'unknown_field',
        message: unknownField(String(key), known(path)),
      }))
    let value = root
    for (const part of path)
      value = isRecord(value) || Array.isArray(value) ? Reflect.get(value, part) : undefined
    return [{ path: at(path), rule: code, message: explain(issue, value) }]
  })
}

/** A secret that was read (`{"set": true}`) and is written back stands for itself: no string to check. */
function withoutReadSecrets(kind: Kind, spec: unknown): unknown {
  if (!isRecord(spec)) return spec
  const kept = { ...spec }
  for (const path of kind.secrets) {
    const field = path.replace(/^spec\./, '')
    const value = kept[field]
    if (isRecord(value) && value.set === true) delete kept[field]
  }
  return kept
}

const metadataFields = Object.keys(writableMetadataSchema.shape)
const envelopeFields = ['apiVersion', 'kind', 'metadata', 'spec', 'status']

function scopeDetail(kind: Kind, workspace: unknown): Detail[] {
  const path = 'metadata.workspace'
  if (kind.scope === 'platform' && typeof workspace === 'string')
    return [
      { path, rule: 'scope', message: `a ${kind.kind} belongs to the platform: leave the workspace out` },
    ]
  if (kind.scope === 'workspace' && workspace === null)
    return [
      { path, rule: 'scope', message: `a ${kind.kind} belongs to a workspace: name one, or leave it out` },
    ]
  return []
}

/** Everything that is wrong, each with its path in the document. */
export function checkDocument(kind: Kind, value: Readonly<Record<string, unknown>>): readonly Detail[] {
  const unknown = Object.keys(value)
    .filter(key => !envelopeFields.includes(key))
    .map(path => ({ path, rule: 'unknown_field', message: unknownField(path, envelopeFields) }))
  const given = isRecord(value.metadata) ? value.metadata : {}
  const served: readonly string[] = serverMetadataFields
  const written = Object.fromEntries(Object.entries(given).filter(([key]) => !served.includes(key)))
  const metadata = writableMetadataSchema.safeParse(written)
  const spec = withoutReadSecrets(kind, value.spec ?? {})
  const checked = kind.spec.safeParse(spec)
  return [
    ...unknown,
    ...(metadata.success
      ? []
      : details(metadata.error.issues as unknown as Issue[], 'metadata', written, () => metadataFields)), // see Issue
    ...scopeDetail(kind, given.workspace),
    ...(checked.success
      ? []
      : details(checked.error.issues as unknown as Issue[], 'spec', spec, path => fieldsAt(kind, path))), // see Issue
  ]
}
