// OpenAPI 3.1 of this API, made from the kinds and the route table: nothing in it is written twice.
import { apiVersion, kinds } from '@switchyard/kinds'
import { isObject } from './merge-patch.ts'
import { commonComponents, component, type Json, jsonSchema, kindComponents } from './openapi-components.ts'
import { type Output, parametersOf, type Row } from './route.ts'
import { sampleOf } from './sample.ts'

/** Answers that any row may give, beside its own. */
const refusals = {
  '400': 'The request is invalid: each detail names a path, a rule and what to do.',
  '401': 'There is no credential, or not a valid one.',
  '403': 'The caller lacks the permission that the message names.',
  '404': 'There is nothing here that the caller may read.',
  '405': 'The address has no such method (see Allow).',
  '409': 'It is taken, in use or being deleted.',
  '410': 'The cursor or version is too old: list again.',
  '412': 'If-Match names another version: read again.',
  '413': 'The body is over 4 MiB, or the document over 1 MiB.',
  '415': 'The media type of the body is not accepted here.',
  '429': 'Too much at once: wait for Retry-After.',
  '499': 'The client has gone.',
  '500': 'A fault of the server; the request id finds it in the log.',
  '501': 'This server cannot do that.',
  '503': 'Something that this rests on is away: try again.',
  '504': 'It took too long.',
} as const

function operationId({ method, path }: Row): string {
  const words = path
    .replace('/api/v1/', '')
    .split(/[/{}.]+/)
    .filter(word => word !== '')
  return [method.toLowerCase(), ...words].join('_').replaceAll(/[^A-Za-z0-9_]/g, '_')
}

function parametersFor(row: Row, components: Record<string, Json>): readonly Json[] {
  const inPath = parametersOf(row.path).map(name => ({
    name,
    in: 'path',
    required: true,
    description: name === 'w' ? 'Workspace.' : 'Name of the document.',
    schema: { type: 'string' },
  }))
  const query = row.input.query ? jsonSchema(row.input.query, operationId(row), components) : {}
  const inQuery = Object.entries(isObject(query.properties) ? query.properties : {}).map(([name, schema]) => {
    const { description, ...plain } = schema as Json // a property's schema is an object
    return {
      name,
      in: 'query',
      required: false,
      ...(description === undefined ? {} : { description }),
      schema: plain,
    }
  })
  const ifMatch = row.kind !== undefined && ['PUT', 'PATCH', 'DELETE'].includes(row.method)
  const header = {
    name: 'If-Match',
    in: 'header',
    required: row.method === 'PUT',
    description: 'ETag of the version that this change is based on.',
    schema: { type: 'string' },
  }
  const once = {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description:
      'For 24 hours the same request under this key is carried out once and answered alike, without secrets.',
    schema: { type: 'string', maxLength: 255 },
  }
  const keyed = row.method === 'POST' && row.public === undefined
  return [...inPath, ...inQuery, ...(ifMatch ? [header] : []), ...(keyed ? [once] : [])]
}

function bodyOf(row: Row, components: Record<string, Json>): Json {
  const { body, media = 'application/json' } = row.input
  if (!body) return {}
  const schema =
    'component' in body ? component(body.component) : jsonSchema(body, `${operationId(row)}_body`, components)
  const patch = media.includes('merge-patch')
  const example = patch ? { metadata: { labels: { tier: 'gold' } } } : exampleOf(row, schema, components)
  return {
    requestBody: {
      required: true,
      content: {
        [media]: {
          schema: patch
            ? { type: 'object', description: 'RFC 7396: what is given replaces, null removes.' }
            : schema,
          ...(example === undefined ? {} : { example }),
        },
      },
    },
  }
}

function exampleOf(row: Row, schema: Json, components: Record<string, Json>): unknown {
  const { body } = row.input
  if (!body || !('component' in body)) return sampleOf(schema)
  const spec = sampleOf(components[`${body.component}Spec`])
  const inBody =
    !row.path.includes('{w}') &&
    kinds.some(kind => kind.kind === body.component && kind.scope === 'workspace')
  const metadata = { name: 'example', ...(inBody ? { workspace: 'default' } : {}) }
  return { apiVersion, kind: body.component, metadata, spec }
}

function answerOf(
  { doc, media = 'application/json', schema }: Output,
  row: Row,
  components: Record<string, Json>,
): Json {
  if (!schema) return { description: doc }
  const content =
    'component' in schema
      ? component(schema.component)
      : jsonSchema(schema, `${operationId(row)}_answer`, components)
  return { description: doc, content: { [media]: { schema: content } } }
}

function operation(row: Row, components: Record<string, Json>): Json {
  const own = row.output.map(output => [String(output.status), answerOf(output, row, components)])
  const errors = Object.entries(refusals).map(([status, description]) => [
    status,
    { description, content: { 'application/json': { schema: component('Error') } } },
  ])
  return {
    operationId: operationId(row),
    summary: row.doc,
    tags: [row.kind ?? 'Platform'],
    ...(row.permission === undefined ? {} : { 'x-permission': row.permission }),
    ...(row.public === undefined ? {} : { 'x-public': row.public, security: [] }),
    ...(row.self === undefined ? {} : { 'x-self': row.self }),
    parameters: parametersFor(row, components),
    ...bodyOf(row, components),
    responses: Object.fromEntries([...errors, ...own]),
  }
}

export function openApi(
  rows: readonly Row[],
  about: { readonly version: string; readonly url: string },
): Json {
  const components: Record<string, Json> = {}
  commonComponents(components)
  for (const kind of kinds) kindComponents(kind, components)
  const paths: Record<string, Record<string, Json>> = {}
  for (const row of rows) {
    const path = row.path.replace('*}', '}')
    paths[path] = { ...paths[path], [row.method.toLowerCase()]: operation(row, components) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Switchyard',
      version: about.version,
      description: 'Control plane. Every refusal has one shape, `Error`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: about.url }],
    security: [{ bearer: [] }],
    tags: [
      ...kinds.map(({ kind, doc }) => ({ name: kind, description: doc })),
      { name: 'Platform', description: 'Sessions, facts and the server itself.' },
    ],
    paths,
    components: {
      schemas: components,
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: "Session token, API key (sk-sy-…) or the operator's token (sy-op-…).",
        },
      },
    },
  }
}
