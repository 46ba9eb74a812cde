// The schemas of OpenAPI: one set for each kind, the envelope, lists and the error, from the kinds alone.
import { apiVersion, codes, type Kind, metadataSchema, writableMetadataSchema } from '@switchyard/kinds'
import { z } from 'zod'
import { isObject } from './merge-patch.ts'

export type Json = Readonly<Record<string, unknown>>

/** A reference to a component. */
export const component = (name: string) => ({ $ref: `#/components/schemas/${name}` })

/** What may be written, as JSON Schema 2020-12 that stands by itself. */
export function wholeSchema(schema: z.ZodType) {
  const { $schema: _dialect, ...root } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-2020-12',
    unrepresentable: 'any',
  })
  return root
}

/** A zod schema as JSON Schema; its inner definitions become components under names of their own. */
export function jsonSchema(schema: z.ZodType, name: string, components: Record<string, Json>): Json {
  const { $defs, ...root } = wholeSchema(schema)
  const inner = isObject($defs) ? $defs : {}
  const rename = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(rename)
    if (!isObject(value)) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, held]) => [
        key,
        key === '$ref' && typeof held === 'string'
          ? held.replace('#/$defs/', `#/components/schemas/${name}_`)
          : rename(held),
      ]),
    )
  }
  for (const [key, definition] of Object.entries(inner))
    components[`${name}_${key}`] = rename(definition) as Json // an object stays one
  return rename(root) as Json
}

export function kindComponents(kind: Kind, components: Record<string, Json>): void {
  const { kind: name, doc } = kind
  components[`${name}Spec`] = jsonSchema(kind.spec, `${name}Spec`, components)
  components[`${name}Status`] = jsonSchema(kind.status, `${name}Status`, components)
  components[name] = {
    type: 'object',
    description: doc,
    required: ['metadata', 'spec'],
    additionalProperties: true,
    properties: {
      apiVersion: { const: apiVersion },
      kind: { const: name },
      metadata: component('Metadata'),
      spec: component(`${name}Spec`),
      status: { ...component(`${name}Status`), readOnly: true },
      ...(kind.kind === 'ApiKey'
        ? {
            secret: {
              type: 'string',
              readOnly: true,
              description: 'The key itself: in the answers to create and rotate alone.',
            },
          }
        : {}),
    },
  }
  components[`${name}List`] = {
    type: 'object',
    required: ['kind', 'metadata', 'items'],
    properties: {
      apiVersion: { const: apiVersion },
      kind: { const: `${name}List` },
      metadata: component('ListMetadata'),
      items: { type: 'array', items: component(name) },
    },
  }
}

export function commonComponents(components: Record<string, Json>): void {
  const writable = new Set<string>(Object.keys(writableMetadataSchema.shape))
  const { properties, ...metadata } = jsonSchema(metadataSchema, 'Metadata', components)
  components.Metadata = {
    ...metadata,
    required: ['name'],
    properties: Object.fromEntries(
      Object.entries(isObject(properties) ? properties : {}).map(([field, schema]) => [
        field,
        writable.has(field) ? schema : { ...(schema as Json), readOnly: true }, // a property's schema is an object
      ]),
    ),
  }
  components.ListMetadata = {
    type: 'object',
    required: ['resourceVersion'],
    properties: {
      resourceVersion: { type: 'string', description: 'A watch from here misses nothing.' },
      continue: { type: 'string', description: 'Token of the next page; absent on the last.' },
      count: { type: 'integer', description: 'Documents of the whole selection, with count=true.' },
    },
  }
  components.Error = {
    type: 'object',
    required: ['error'],
    properties: {
      error: {
        type: 'object',
        required: ['code', 'reason', 'message', 'requestId', 'details'],
        properties: {
          code: { type: 'string', enum: [...codes] },
          reason: { type: 'string', description: 'Stable snake_case word beside the code.' },
          message: { type: 'string', description: 'Tells a person what to do next.' },
          requestId: { type: 'string' },
          details: {
            type: 'array',
            items: {
              type: 'object',
              required: ['path', 'rule', 'message'],
              properties: { path: { type: 'string' }, rule: { type: 'string' }, message: { type: 'string' } },
            },
          },
          retryAfterSeconds: { type: 'integer' },
        },
      },
    },
  }
}
