// Documents with their keys in the order of the kind's schema: what a person wrote first is shown first.
import { type Document, findKind } from '@switchyard/kinds'

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `schema` is JSON Schema; keys that it does not know keep their order, behind those that it does. */
export function inSchemaOrder(value: unknown, schema: unknown): unknown {
  if (!isRecord(schema)) return value
  if (Array.isArray(value)) return value.map(item => inSchemaOrder(item, schema.items))
  if (!isRecord(value)) return value
  const properties = isRecord(schema.properties) ? schema.properties : {}
  const known = Object.keys(properties).filter(key => key in value)
  const others = Object.keys(value).filter(key => !(key in properties))
  return Object.fromEntries([
    ...known.map(key => [key, inSchemaOrder(value[key], properties[key])]),
    ...others.map(key => [key, inSchemaOrder(value[key], schema.additionalProperties)]),
  ])
}

interface Schemas {
  readonly spec: unknown
  readonly status: unknown
}

const known = new Map<string, Schemas>()

function schemasOf(name: string): Schemas | undefined {
  const kind = findKind(name)
  if (!kind) return undefined
  const made = known.get(name) ?? {
    spec: kind.spec.toJSONSchema({ io: 'input', unrepresentable: 'any' }),
    status: kind.status.toJSONSchema({ io: 'input', unrepresentable: 'any' }),
  }
  known.set(name, made)
  return made
}

/** The envelope in its own order, whatever order the server used. */
export function envelope({ apiVersion, kind, metadata, spec, status }: Document): {
  readonly spec: unknown
  readonly status: unknown
} & Readonly<Record<string, unknown>> {
  const schemas = schemasOf(kind)
  return {
    apiVersion,
    kind,
    metadata,
    spec: inSchemaOrder(spec, schemas?.spec),
    status: inSchemaOrder(status, schemas?.status),
  }
}
