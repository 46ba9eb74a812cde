// How a value is written, from its JSON Schema: the few shapes that a form has inputs for.
import type { Schema } from '../api/catalogue.ts'
import { isRecord, type Path } from './json.ts'

export interface Member {
  readonly name: string
  readonly schema: Schema
  readonly isRequired: boolean
}

export interface Variant {
  readonly label: string
  readonly schema: Schema
  /** The member whose constant tells this variant from the others. */
  readonly tag?: { readonly name: string; readonly value: unknown }
}

export type Shape =
  | { readonly type: 'text' }
  | { readonly type: 'number'; readonly isWhole: boolean }
  | { readonly type: 'switch' }
  | { readonly type: 'choice'; readonly options: readonly unknown[] }
  | { readonly type: 'object'; readonly members: readonly Member[] }
  | { readonly type: 'list'; readonly item: Schema }
  | { readonly type: 'map'; readonly item: Schema }
  | { readonly type: 'variants'; readonly variants: readonly Variant[] }
  /** Anything: written as YAML. */
  | { readonly type: 'any' }

/** Behind its reference; what stands beside one holds too. */
export function resolved(schema: Schema, root: Schema): Schema {
  const name = schema.$ref?.split('/').at(-1)
  const found = name === undefined ? undefined : root.$defs?.[name]
  if (!found) return schema
  const { $ref: _followed, ...beside } = schema
  return resolved({ ...found, ...beside }, root)
}

const typeOf = ({ type }: Schema) => (typeof type === 'string' ? type : type?.find(one => one !== 'null'))

const isNull = (schema: Schema) => schema.type === 'null'

function tagOf(schema: Schema): Variant['tag'] {
  for (const [name, { const: value }] of Object.entries(schema.properties ?? {}))
    if (value !== undefined && schema.required?.includes(name)) return { name, value }
  return undefined
}

function variantOf(given: Schema, root: Schema): Variant {
  const schema = resolved(given, root)
  const tag = tagOf(schema)
  if (tag) return { label: String(tag.value), schema, tag }
  const options = schema.const !== undefined ? [schema.const] : schema.enum
  return { label: options ? options.map(String).join(', ') : (typeOf(schema) ?? 'any'), schema }
}

export function shapeOf(given: Schema, root: Schema): Shape {
  const schema = resolved(given, root)
  if (schema.const !== undefined) return { type: 'choice', options: [schema.const] }
  if (schema.enum) return { type: 'choice', options: schema.enum }
  const either = (schema.oneOf ?? schema.anyOf)?.filter(one => !isNull(resolved(one, root)))
  if (either) {
    const [only] = either
    if (only && either.length === 1) return shapeOf(only, root)
    // What refers to itself may be anything.
    if (either.length > 4 && either.every(one => !tagOf(resolved(one, root)))) return { type: 'any' }
    return { type: 'variants', variants: either.map(one => variantOf(one, root)) }
  }
  switch (typeOf(schema)) {
    case 'string':
      return { type: 'text' }
    case 'integer':
      return { type: 'number', isWhole: true }
    case 'number':
      return { type: 'number', isWhole: false }
    case 'boolean':
      return { type: 'switch' }
    case 'array':
      return typeof schema.items === 'object' ? { type: 'list', item: schema.items } : { type: 'any' }
    case 'object':
      return objectShape(schema)
    default:
      return { type: 'any' }
  }
}

function objectShape(schema: Schema): Shape {
  const { properties, required = [], additionalProperties } = schema
  if (!properties)
    return typeof additionalProperties === 'object' && Object.keys(additionalProperties).length > 0
      ? { type: 'map', item: additionalProperties }
      : { type: 'any' }
  const members = Object.entries(properties).map(([name, inner]) => ({
    name,
    schema: inner,
    isRequired: required.includes(name),
  }))
  // What must be given comes first.
  return {
    type: 'object',
    members: [...members.filter(({ isRequired }) => isRequired), ...members.filter(one => !one.isRequired)],
  }
}

/** Whether a value looks like one of this schema: enough to tell variants apart. */
export function fits({ schema, tag }: Variant, value: unknown): boolean {
  if (tag) return isRecord(value) && value[tag.name] === tag.value
  if (schema.const !== undefined) return value === schema.const
  if (schema.enum) return schema.enum.includes(value)
  switch (typeOf(schema)) {
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isRecord(value) && (schema.required ?? []).every(name => Object.hasOwn(value, name))
    case 'string':
      return typeof value === 'string'
    case 'integer':
    case 'number':
      return typeof value === 'number'
    case 'boolean':
      return typeof value === 'boolean'
    default:
      return value !== undefined
  }
}

/** What a place holds when it is opened and nothing was written there yet. */
export function emptyOf(given: Schema, root: Schema): unknown {
  const schema = resolved(given, root)
  const shape = shapeOf(schema, root)
  switch (shape.type) {
    case 'object':
      return {}
    case 'map':
      return {}
    case 'list':
      return []
    case 'choice':
      return shape.options[0]
    case 'switch':
      return schema.default ?? false
    case 'number':
      return schema.default ?? schema.minimum ?? 0
    case 'variants': {
      const [first] = shape.variants
      if (!first) return {}
      return first.tag ? { [first.tag.name]: first.tag.value } : emptyOf(first.schema, root)
    }
    case 'text':
      return ''
    case 'any':
      return {}
  }
}

/** The same value with its members as the schema has them: what the server gives has no order. */
export function inOrder(value: unknown, given: Schema, root: Schema): unknown {
  const shape = shapeOf(given, root)
  if (shape.type === 'list' && Array.isArray(value)) return value.map(item => inOrder(item, shape.item, root))
  if (!isRecord(value)) return value
  if (shape.type === 'map')
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, inOrder(item, shape.item, root)]),
    )
  if (shape.type === 'variants') {
    const variant = shape.variants.find(one => fits(one, value))
    return variant ? inOrder(value, variant.schema, root) : value
  }
  if (shape.type !== 'object') return value
  const known = shape.members.filter(({ name }) => Object.hasOwn(value, name))
  return {
    ...Object.fromEntries(known.map(({ name, schema }) => [name, inOrder(value[name], schema, root)])),
    ...Object.fromEntries(Object.entries(value).filter(([key]) => !known.some(({ name }) => name === key))),
  }
}

/** `spec.tiers[].targets[].endpoint` of `spec.tiers.0.targets.1.endpoint`: as kinds name their references. */
export const patternOf = (path: Path): string =>
  path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[]` : text === '' ? step : `${text}.${step}`),
    '',
  )

/** What a person may write of metadata. */
const text: Schema = { type: 'string' }
export const metadataSchema: Schema = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string', pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$', maxLength: 63 },
    workspace: { type: ['string', 'null'] },
    project: { type: ['string', 'null'] },
    displayName: { type: 'string', maxLength: 128 },
    description: { type: 'string', maxLength: 1024 },
    labels: { type: 'object', additionalProperties: text },
    annotations: { type: 'object', additionalProperties: text },
  },
}

/** Of the whole document. */
export const documentSchema = (kind: string, spec: Schema): Schema => ({
  ...(spec.$defs && { $defs: spec.$defs }),
  type: 'object',
  required: ['apiVersion', 'kind', 'metadata', 'spec'],
  properties: {
    apiVersion: { const: 'switchyard.dev/v1' },
    kind: { const: kind },
    metadata: metadataSchema,
    spec,
  },
})
