// Examples for the reference, drawn from a JSON Schema: the smallest value that it accepts.
import { isObject } from './merge-patch.ts'

type Schema = { readonly [key: string]: unknown }

/** Tried in turn against a pattern. */
const words = ['example', 'USD', 'endpoint:read', 'file:///srv/models', 'platform/local', '0']

const formats: Readonly<Record<string, string>> = {
  email: 'ann@example.org',
  uuid: '01890a5d-ac96-774b-bcce-b302099a8057',
  'date-time': '2030-01-01T00:00:00Z',
}

/** undefined when the schema accepts nothing that is known how to make. */
export function sampleOf(schema: unknown): unknown {
  if (!isObject(schema)) return undefined
  const { const: constant, enum: choices, type, anyOf, oneOf, examples } = schema
  // What a schema can't say of its members together, its kind shows.
  if (Array.isArray(examples)) return examples[0]
  if (constant !== undefined) return constant
  if (schema.default !== undefined) return schema.default
  if (Array.isArray(choices)) return choices[0]
  if (Array.isArray(anyOf)) return sampleOf(anyOf[0])
  if (Array.isArray(oneOf)) return sampleOf(oneOf[0])
  if (type === 'object') return sampleObject(schema)
  if (type === 'array') return Number(schema.minItems ?? 0) > 0 ? [sampleOf(schema.items)] : []
  if (type === 'string') return sampleText(schema)
  if (type === 'integer' || type === 'number') return Math.max(Number(schema.minimum ?? 1), 1)
  if (type === 'boolean') return false
  return type === 'null' ? null : undefined
}

function sampleObject({ properties, required }: Schema): Record<string, unknown> {
  const names = Array.isArray(required) ? required.map(String) : []
  return Object.fromEntries(
    names.map(name => [name, sampleOf(isObject(properties) ? properties[name] : undefined)]),
  )
}

function sampleText({ format, pattern, minLength }: Schema): string {
  const known = typeof format === 'string' ? formats[format] : undefined
  if (known !== undefined) return known
  if (typeof pattern === 'string') return words.find(word => new RegExp(pattern, 'u').test(word)) ?? ''
  return 'example'.padEnd(Number(minLength ?? 0), 'e')
}
