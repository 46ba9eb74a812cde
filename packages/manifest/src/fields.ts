// Which fields a kind has at a place, so that one that is misspelled can be told from one that is not there.
import type { Kind } from '@switchyard/kinds'

type Schema = Readonly<Record<string, unknown>>

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const made = new Map<string, Schema>()

function schemaOf(kind: Kind): Schema {
  let schema = made.get(kind.kind)
  if (!schema) {
    schema = kind.spec.toJSONSchema({ io: 'input', unrepresentable: 'any' })
    made.set(kind.kind, schema)
  }
  return schema
}

const shapes = (schema: Schema): readonly Schema[] => {
  const several = [schema.anyOf, schema.oneOf, schema.allOf].flatMap(all =>
    Array.isArray(all) ? all.filter(isRecord) : [],
  )
  return [schema, ...several.flatMap(shapes)]
}

function below(schema: Schema, part: PropertyKey): readonly Schema[] {
  return shapes(schema).flatMap(({ properties, items, additionalProperties }) => {
    if (typeof part === 'number') return isRecord(items) ? [items] : []
    const field = isRecord(properties) ? properties[String(part)] : undefined
    if (isRecord(field)) return [field]
    return isRecord(additionalProperties) ? [additionalProperties] : []
  })
}

/** Names of the fields that a kind's spec has at a path below it; empty where anything goes. */
export function fieldsAt(kind: Kind, path: readonly PropertyKey[]): readonly string[] {
  let here: readonly Schema[] = [schemaOf(kind)]
  for (const part of path) here = here.flatMap(schema => below(schema, part))
  return here
    .flatMap(shapes)
    .flatMap(({ properties }) => (isRecord(properties) ? Object.keys(properties) : []))
}
