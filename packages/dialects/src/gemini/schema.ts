// Gemini's schemas are a subset of OpenAPI 3.0 with types in capitals; JSON Schema is read from it and written to it.
// Models of 2025 and later take JSON Schema as it is, in fields of their own.
import type { RawJson } from '../conversation.ts'
import { invalidValue, type Json, Raw, Verbatim, writeJson } from '../raw.ts'

type Members = Record<string, Json>

/** Kept as they are where they stand, in both directions. */
const plain = new Set([
  'description',
  'format',
  'maximum',
  'minimum',
  'pattern',
  'required',
  'title',
  'default',
])
/** Counts, which Google's JSON writes as strings. */
const counts = new Set(['maxItems', 'minItems', 'maxLength', 'minLength', 'maxProperties', 'minProperties'])

/** JSON Schema of a subset schema. Schemas that are JSON Schema already come back with the same meaning. */
export function fromSubset(schema: Raw): RawJson {
  return writeJson(read(schema))
}

function read(schema: Raw): Json {
  const members = schema.members()
  if (!members) return new Verbatim(schema.text)
  const out: Members = {}
  const nullable = members.get('nullable')?.boolean() === true
  for (const [name, value] of members) {
    if (name === 'nullable' || name === 'propertyOrdering' || name === 'example') continue
    const type = name === 'type' ? value.string()?.toLowerCase() : undefined
    const digits = counts.has(name) ? value.string() : undefined
    if (type !== undefined) {
      if (type !== 'type_unspecified') out.type = nullable ? [type, 'null'] : type
    } else if (digits !== undefined && /^\d{1,15}$/.test(digits)) out[name] = Number(digits)
    else set(out, name, inner(name, value, read))
  }
  return out
}

/** A member whose value holds schemas, with each of them converted; any other as it was written. */
function inner(name: string, value: Raw, convert: (schema: Raw) => Json): Json {
  const named = name === 'properties' || name === '$defs' ? value.members() : undefined
  if (named) return record([...named].map(([key, schema]) => [key, convert(schema)]))
  if (name === 'items' || name === 'additionalProperties') return convert(value)
  const listed = name === 'anyOf' || name === 'oneOf' || name === 'allOf' ? value.elements() : undefined
  return listed ? listed.map(convert) : new Verbatim(value.text)
}

/** An object whose names are the caller's: `__proto__` is one of them. */
function record(entries: readonly (readonly [string, Json])[]): Json {
  return Object.fromEntries(entries)
}

function set(out: Members, name: string, value: Json): void {
  Object.defineProperty(out, name, { value, enumerable: true, writable: true, configurable: true })
}

/** The subset schema of a JSON Schema: `$ref` inlined, what the subset has no word for left out. */
export function toSubset(schema: RawJson): RawJson {
  const root = Raw.parse(Buffer.from(schema))
  return root ? writeJson(write(root, { root, left: mostSchemas }, [])) : '{}'
}

/** Schemas in one, each `$ref` counted as what it stands for: a few that hold each other twice are as many as one likes. */
const mostSchemas = 4_096

interface Inlining {
  readonly root: Raw
  left: number
}

function write(schema: Raw, inlining: Inlining, seen: readonly string[]): Json {
  const members = schema.members()
  if (!members) return {}
  if (inlining.left-- === 0)
    throw invalidValue(
      'schema',
      `A schema must hold no more than ${mostSchemas} others, with every $ref written out: make it simpler.`,
    )
  const ref = members.get('$ref')?.string()
  if (ref !== undefined) {
    const target = resolve(inlining.root, ref)
    // A schema that holds itself has no finite form: its inside is left open.
    return target && !seen.includes(ref) ? write(target, inlining, [...seen, ref]) : { type: 'OBJECT' }
  }
  const convert = (value: Raw) => write(value, inlining, seen)
  const out: Members = {}
  for (const [name, value] of members) {
    if (plain.has(name) || counts.has(name)) set(out, name, new Verbatim(value.text))
    else if (name === 'properties' || name === 'items' || name === 'anyOf')
      set(out, name, inner(name, value, convert))
    else if (name === 'oneOf') out.anyOf = inner('anyOf', value, convert)
    else if (name === 'type') writeType(out, value)
    else if (name === 'enum') writeEnum(out, value.elements() ?? [])
    else if (name === 'const') writeEnum(out, [value])
  }
  const [only, ...others] = members.get('allOf')?.elements() ?? []
  const merged = only && others.length === 0 ? convert(only) : undefined
  return isMembers(merged) ? { ...merged, ...out } : out
}

function isMembers(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Verbatim)
}

function writeType(out: Members, value: Raw): void {
  const single = value.string()
  const types = single === undefined ? (value.elements() ?? []).map(type => type.string() ?? '') : [single]
  const [first, ...others] = types.filter(type => type !== 'null' && type !== '')
  if (types.includes('null') && first !== undefined) out.nullable = true
  if (first === undefined) return
  if (others.length === 0) out.type ??= first.toUpperCase()
  else out.anyOf = [first, ...others].map(type => ({ type: type.toUpperCase() }))
}

/** The subset's enums are strings. */
function writeEnum(out: Members, values: readonly Raw[]): void {
  const named = values.filter(value => value.kind !== 'null')
  if (named.length < values.length) out.nullable = true
  out.type = 'STRING'
  out.enum = named.map(value => value.string() ?? value.text)
}

function resolve(root: Raw, ref: string): Raw | undefined {
  if (!ref.startsWith('#')) return undefined
  let at: Raw | undefined = root
  for (const step of ref.slice(1).split('/').filter(Boolean))
    at = at?.get(step.replaceAll('~1', '/').replaceAll('~0', '~'))
  return at
}
