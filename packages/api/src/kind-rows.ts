// What there is: the kinds as data, so that a program made without them can list, show and write their documents.
import { createHash } from 'node:crypto'
import { type Kind, kinds } from '@switchyard/kinds'
import { z } from 'zod'
import { wholeSchema } from './openapi-components.ts'
import { guarded, nowhere, type Row } from './route.ts'

const schema = z.record(z.string(), z.json()).describe('JSON Schema 2020-12.')

const kindSchema = z.object({
  kind: z.string(),
  plural: z.string().describe('The collection in the paths of the API.'),
  noun: z.string().describe('The left side of a permission.'),
  short: z.array(z.string()),
  scope: z.enum(['platform', 'workspace', 'either']),
  doc: z.string(),
  system: z.boolean().describe('Made and changed by control alone.'),
  heldAbove: z.boolean().describe('Written by who holds the right on the platform.'),
  phases: z.array(z.string()),
  columns: z.array(z.object({ title: z.string(), path: z.string(), wide: z.boolean() })),
  references: z.array(
    z.object({ path: z.string(), to: z.string(), onDelete: z.enum(['refuse', 'cascade', 'clear']) }),
  ),
  fields: z.array(z.string()).describe('What `fieldSelector` may name.'),
  immutable: z.array(z.string()),
  secrets: z.array(z.string()).describe('Written and never read back.'),
  conditions: z.record(z.string(), z.array(z.string())),
  actions: z.array(
    z.object({
      verb: z.string(),
      permission: z.string(),
      doc: z.string(),
      binds: z.boolean().describe('It cannot be taken back: ask for the name of the document.'),
    }),
  ),
  spec: schema,
  status: schema,
})
export type DescribedKind = z.output<typeof kindSchema>

function describe(kind: Kind): DescribedKind {
  const { columns, references, conditions, actions } = kind
  // A JSON Schema is JSON.
  const whole = (part: z.ZodType) => wholeSchema(part) as z.output<typeof schema>
  return {
    kind: kind.kind,
    plural: kind.plural,
    noun: kind.noun,
    short: [...kind.short],
    scope: kind.scope,
    doc: kind.doc,
    system: kind.system,
    heldAbove: kind.heldAbove,
    phases: [...kind.phases],
    columns: columns.map(({ title, path, wide = false }) => ({ title, path, wide })),
    references: references.map(({ path, to, onDelete }) => ({ path, to, onDelete })),
    fields: [...kind.fields],
    immutable: [...kind.immutable],
    secrets: [...kind.secrets],
    conditions: Object.fromEntries(Object.entries(conditions).map(([type, reasons]) => [type, [...reasons]])),
    actions: actions.map(({ verb, permission, doc, binds = false }) => ({ verb, permission, doc, binds })),
    spec: whole(kind.spec),
    status: whole(kind.status),
  }
}

/** The same for as long as the server runs. */
function catalogue() {
  const body = { kind: 'KindList', items: kinds.map(describe) } as const
  const hash = createHash('sha256').update(JSON.stringify(body)).digest('base64url')
  return { body, etag: `"${hash}"` }
}

export function kindRow(): Row {
  let made: ReturnType<typeof catalogue> | undefined
  return guarded(
    { self: 'what kinds there are holds nothing of anybody' },
    {
      method: 'GET',
      path: '/api/v1/kinds',
      doc: 'The kinds of documents, with their schemas.',
      locate: nowhere,
      output: [
        {
          status: 200,
          doc: 'Every kind, in the order in which documents are applied.',
          schema: z.object({ kind: z.literal('KindList'), items: z.array(kindSchema) }),
        },
      ],
    },
    {},
    async ({ headers }) => {
      made ??= catalogue()
      const { body, etag } = made
      const kept = { etag, 'cache-control': 'private, no-cache' }
      if (headers['if-none-match'] === etag) return { status: 304, headers: kept }
      return { status: 200, headers: kept, body }
    },
  )
}
