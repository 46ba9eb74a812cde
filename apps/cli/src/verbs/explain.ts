// What kinds and fields mean, from the schemas themselves.
import { Fault, type Kind, kinds } from '@switchyard/kinds'
import type { Cli } from '../cli.ts'
import { kindNamed } from '../kinds.ts'
import { table } from '../output/table.ts'

/** A JSON Schema, as far as it is read here. */
export type Schema = Readonly<Record<string, unknown>>

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const options = (schema: Schema): readonly Schema[] => {
  const any = schema.anyOf ?? schema.oneOf
  return Array.isArray(any) ? any.filter(isRecord) : []
}

/** `integer`, `list of text`, `map of text`, `one of auto, none`. */
export function typeOf(schema: Schema): string {
  if (Array.isArray(schema.enum)) return `one of ${schema.enum.map(String).join(', ')}`
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (options(schema).length > 0) return options(schema).map(typeOf).join(' or ')
  if (schema.type === 'array') return `list of ${isRecord(schema.items) ? typeOf(schema.items) : 'anything'}`
  if (schema.type === 'object' && !isRecord(schema.properties))
    return isRecord(schema.additionalProperties) ? `map of ${typeOf(schema.additionalProperties)}` : 'map'
  if (schema.type === 'string') return 'text'
  return typeof schema.type === 'string' ? schema.type : 'anything'
}

/** Safe integers are no bound that a person set. */
const bounded = (value: unknown) => typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER

function bounds({ minimum, maximum, default: fallback }: Schema, required: boolean): string {
  return [
    required ? 'required' : '',
    bounded(minimum) && bounded(maximum)
      ? `${String(minimum)} to ${String(maximum)}`
      : bounded(minimum)
        ? `from ${String(minimum)}`
        : bounded(maximum)
          ? `to ${String(maximum)}`
          : '',
    fallback === undefined ? '' : `default ${JSON.stringify(fallback)}`,
  ]
    .filter(Boolean)
    .join('; ')
}

/** The parts that have fields: the schema itself, the items of a list, the values of a map. */
function inner(schema: Schema): Schema | undefined {
  if (isRecord(schema.properties)) return schema
  if (isRecord(schema.items)) return inner(schema.items)
  if (isRecord(schema.additionalProperties)) return inner(schema.additionalProperties)
  return options(schema).map(inner).find(Boolean)
}

/** One of several shapes reads as one shape with the fields of all; required is what each of them requires. */
function asOneShape(schema: Schema): Schema {
  const shapes = options(schema)
  if (shapes.length === 0) return schema
  const properties = new Map<string, Schema>()
  for (const { properties: fields } of shapes)
    for (const [name, field] of Object.entries(isRecord(fields) ? fields : {}))
      if (isRecord(field)) properties.set(name, either(properties.get(name), field))
  const required = shapes
    .map(shape => (Array.isArray(shape.required) ? shape.required.map(String) : []))
    .reduce((all, some) => all.filter(name => some.includes(name)))
  return { type: 'object', properties: Object.fromEntries(properties), required }
}

/** The same field of another shape: the values that tell the shapes apart become a choice. */
function either(known: Schema | undefined, field: Schema): Schema {
  if (known === undefined || field.const === undefined) return known ?? field
  const choices: readonly unknown[] = Array.isArray(known.enum) ? known.enum : [known.const]
  return { type: 'string', enum: [...choices, field.const] }
}

export function schemaAt(kind: Kind, path: readonly string[]): Schema {
  let schema: Schema = asOneShape(kind.spec.toJSONSchema({ io: 'input', unrepresentable: 'any' }))
  const parts = path[0] === 'spec' ? path.slice(1) : path
  parts.forEach((part, at) => {
    const fields = inner(schema)?.properties
    const next = isRecord(fields) ? fields[part] : undefined
    if (!isRecord(next)) {
      const where = ['spec', ...parts.slice(0, at)].join('.')
      const known = isRecord(fields) ? Object.keys(fields).join(', ') : 'none'
      throw new Fault('not_found', `${kind.kind} has no field ${part} in ${where}; there are: ${known}.`)
    }
    schema = next
  })
  return schema
}

function fieldTable(cli: Cli, schema: Schema): string {
  const of = inner(schema)
  if (!of || !isRecord(of.properties)) return ''
  const required = Array.isArray(of.required) ? of.required : []
  const rows = Object.entries(of.properties)
    .filter((entry): entry is [string, Schema] => isRecord(entry[1]))
    .map(([name, field]) => [
      name,
      inner(field) ? `${typeOf(field).replace(/object/g, 'fields')}` : typeOf(field),
      bounds(field, required.includes(name)),
      typeof field.description === 'string' ? field.description : '',
    ])
  const titles = ['FIELD', 'TYPE', 'RULE', 'MEANING'].map(title => ({ title }))
  return table(titles, rows, { headers: cli.flags.headers, paintHeader: cli.colors.bold }).text
}

export async function explain(cli: Cli, text: string | undefined): Promise<void> {
  if (text === undefined) {
    const titles = ['KIND', 'PLURAL', 'SHORT', 'SCOPE', 'MEANING'].map(title => ({ title }))
    const rows = kinds.map(({ kind, plural, short, scope, doc }) => [
      kind,
      plural,
      short.join(','),
      scope,
      doc,
    ])
    cli.out(table(titles, rows, { headers: cli.flags.headers, paintHeader: cli.colors.bold }).text)
    return
  }
  const [name = '', ...path] = text.split('.')
  const kind = kindNamed(name)
  const schema = schemaAt(kind, path)
  const { bold } = cli.colors
  if (path.length === 0) {
    const immutable = kind.immutable.map(field => `spec.${field}`).join(', ')
    cli.out(`${bold(kind.kind)}: ${kind.doc}\n`)
    if (kind.system) cli.out('Written by Switchyard itself; people read and delete it.\n')
    cli.out(`Phases: ${kind.phases.join(', ')}\n`)
    if (kind.fields.length > 0) cli.out(`Selectable: ${kind.fields.join(', ')}\n`)
    if (immutable) cli.out(`Never changes: ${immutable}\n`)
    cli.out('\n')
  } else {
    const parts = path[0] === 'spec' ? path : ['spec', ...path]
    cli.out(`${bold(`${kind.kind} ${parts.join('.')}`)}: ${typeOf(schema).replace(/^object$/, 'fields')}\n`)
    if (typeof schema.description === 'string') cli.out(`${schema.description}\n`)
    const rule = bounds(schema, false)
    if (rule) cli.out(`${rule}\n`)
    if (inner(schema)) cli.out('\n')
  }
  cli.out(fieldTable(cli, schema))
}
