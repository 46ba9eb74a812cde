// Rows of the trail: search, export, and the log itself for those who check it from outside. None of them writes one.
import { Fault } from '@switchyard/kinds'
import { type AuditTrail, auditForms, auditOutcomes } from '@switchyard/runtime'
import { z } from 'zod'
import {
  type AuditOptions,
  asked,
  auditFilterShape,
  exportAudit,
  exportQuerySchema,
  opened,
} from './audit-export.ts'
import { auditProofRows } from './audit-proof-rows.ts'
import { lookThrough } from './audit-search.ts'
import { type Caller, identityOf, type Place } from './authorize.ts'
import { type Answer, guarded, type Location, nowhere, type Params, type Row } from './route.ts'

const listQuerySchema = z.strictObject({
  ...auditFilterShape,
  limit: z.coerce.number().int().min(1).max(500).default(100),
  continue: z.string().max(1024).optional().describe('From the page before.'),
})

const entrySchema = z.looseObject({
  seq: z.int(),
  id: z.string(),
  time: z.string(),
  workspace: z.string().nullable(),
  actor: z.looseObject({ id: z.string() }),
  action: z.string(),
  outcome: z.enum(auditOutcomes),
})

const listSchema = z.object({
  kind: z.literal('AuditList'),
  continue: z.string().nullable(),
  items: z.array(entrySchema),
  searched: z
    .object({
      entries: z.int().describe('How many entries this page has looked through.'),
      to: z.string().nullable().describe('When the last of them happened: `continue` goes on before it.'),
    })
    .optional()
    .describe('With `q`: a page looks through 5000 entries at most, and may hold none and yet go on.'),
})

async function list(
  { audit, trail, cursors }: AuditOptions,
  caller: Caller,
  workspace: Place,
  query: z.output<typeof listQuerySchema>,
): Promise<Answer> {
  const { limit, continue: token, ...filter } = query
  const { q, ...fields } = filter
  const binding = JSON.stringify(['audit', caller.principal, workspace ?? null, filter])
  const beyond = token === undefined ? undefined : Number(cursors.open(token, binding).after)
  const sought = {
    ...(await asked(trail, fields)),
    ...(typeof workspace === 'string' ? { workspace } : {}),
    ...(beyond === undefined ? {} : { beyond }),
  }
  const as = identityOf(caller)
  const pageOf = (entries: readonly string[], next: number | undefined) => ({
    kind: 'AuditList',
    continue: next === undefined ? null : cursors.seal({ after: String(next), version: '0' }, binding),
    items: entries.map(entry => JSON.parse(entry) as unknown), // our own canonical text
  })
  if (q !== undefined) {
    const found = await lookThrough({ audit, trail, as, query: sought, words: q, limit })
    return { status: 200, body: { ...pageOf(found.entries, found.next), searched: found.looked } }
  }
  const rows = await audit.list(as, { ...sought, limit: limit + 1 })
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const more = last && rows.length > limit
  const entries = await opened(
    trail,
    page.map(({ entry }) => entry),
  )
  return { status: 200, body: pageOf(entries, more ? last.seq : undefined) }
}

function known(trail: AuditTrail | undefined): AuditTrail {
  if (trail) return trail
  throw new Fault('unsupported', 'This server keeps no signed log.', { reason: 'no_trail', status: 501 })
}

export function auditRows(options: AuditOptions): readonly Row[] {
  const everywhere = { path: '/api/v1/audit', locate: nowhere, of: 'in every workspace that you may read' }
  const inOne = {
    path: '/api/v1/workspaces/{w}/audit',
    locate: ({ w }: Params): Location => ({ workspace: w }),
    of: 'in one workspace',
  }
  return [
    ...[everywhere, inOne].flatMap(({ path, locate, of }) => [
      guarded(
        { permission: 'audit:read' },
        {
          method: 'GET',
          path,
          doc: `Who did what ${of}, newest first.`,
          locate,
          output: [{ status: 200, doc: 'A page of entries.', schema: listSchema }],
        },
        { query: listQuerySchema },
        ({ caller, params, query }) => list(options, caller, params.w, query),
      ),
      guarded(
        { permission: 'audit:export' },
        {
          method: 'GET',
          path: `${path}/export`,
          doc: `Entries ${of}, oldest first, one JSON value a line.`,
          locate,
          output: [
            {
              status: 200,
              doc: `Lines in one of the forms ${auditForms.join(', ')}.`,
              media: 'application/x-ndjson',
              schema: z.string(),
            },
          ],
        },
        { query: exportQuerySchema },
        ({ caller, params, query, signal }) =>
          exportAudit(options, { caller, workspace: params.w, query, signal }),
      ),
    ]),
    eraseRow(options),
    ...auditProofRows(options, known),
    ...logRows(options),
  ]
}

/** The log as C2SP tlog-tiles, below /api/v1/audit/log. */
function logRows({ trail }: AuditOptions): readonly Row[] {
  const platform = (params: Params): Location => ({
    workspace: null,
    ...(Object.keys(params).length === 0 ? {} : { name: Object.values(params).join('/') }),
  })
  const binary = {
    status: 200,
    doc: 'Bytes of the tile.',
    media: 'application/octet-stream',
    schema: z.string(),
  }
  // An index is one to three steps, and one more says that it is a part.
  const steps = ['{a}', '{a}/{b}', '{a}/{b}/{c}', '{a}/{b}/{c}/{d}']
  return [
    guarded(
      { permission: 'audit:read' },
      {
        method: 'GET',
        path: '/api/v1/audit/keys',
        doc: 'The keys that sign the log, for `switchyard audit verify --key`.',
        locate: nowhere,
        output: [
          {
            status: 200,
            doc: 'Verifier keys as name+hash+key, and what keeps the archive from being changed.',
            schema: z.object({
              kind: z.literal('AuditKeys'),
              items: z.array(z.string()),
              protection: z.string(),
            }),
          },
        ],
      },
      {},
      async () => {
        const { keys, protection } = known(trail)
        return { status: 200, body: { kind: 'AuditKeys', items: keys, protection } }
      },
    ),
    guarded(
      { permission: 'audit:verify' },
      {
        method: 'GET',
        path: '/api/v1/audit/log/checkpoint',
        doc: 'The newest signed checkpoint of the log.',
        locate: platform,
        output: [{ status: 200, doc: 'A signed note.', media: 'text/plain', schema: z.string() }],
      },
      {},
      async () => {
        const note = await known(trail).checkpoint()
        if (note === undefined) throw noTile()
        return {
          status: 200,
          headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
          body: note,
        }
      },
    ),
    ...steps.map(step =>
      guarded(
        { permission: 'audit:verify' },
        {
          method: 'GET',
          path: `/api/v1/audit/log/tile/{level}/${step}`,
          doc: 'A tile of the log, or with the level `entries` a bundle of its entries (C2SP tlog-tiles).',
          locate: ({ level = '', a = '', b, c, d }) => ({
            workspace: null,
            name: ['tile', level, a, b, c, d].filter(part => part !== undefined).join('/'),
          }),
          output: [binary],
        },
        {},
        async ({ location }) => {
          const bytes = await known(trail).tile(location.name ?? '')
          if (!bytes) throw noTile()
          return {
            status: 200,
            headers: { 'content-type': 'application/octet-stream', 'cache-control': 'no-store' },
            body: bytes,
          }
        },
      ),
    ),
    guarded(
      { permission: 'system:admin' },
      {
        method: 'POST',
        path: '/api/v1/audit/resume',
        action: 'audit.resume',
        doc: 'Read back entries that the archive holds and a restored database has lost.',
        locate: () => ({ workspace: null }),
        output: [
          {
            status: 200,
            doc: 'How many there were.',
            schema: z.object({ kind: z.literal('AuditResumed'), entries: z.int() }),
          },
        ],
      },
      {},
      async () => ({ status: 200, body: { kind: 'AuditResumed', entries: await known(trail).resume() } }),
    ),
  ]
}

const person = z
  .string()
  .max(320)
  .regex(/^(user|email|issuer):\S+$/, 'write user:NAME, email:ADDRESS or issuer:NAME/SUBJECT')

const erasedSchema = z.object({
  kind: z.literal('AuditErased'),
  items: z.array(
    z.object({
      principal: z.string(),
      person: z.string().describe('By which entries go on naming it, as `person:ID`.'),
      known: z.boolean().describe('False where the trail has told nothing of it.'),
    }),
  ),
})

function eraseRow({ trail }: AuditOptions): Row {
  return guarded(
    { permission: 'audit:erase' },
    {
      method: 'POST',
      path: '/api/v1/audit/erase',
      action: 'audit.erase',
      doc: 'Make unreadable what the trail tells of persons, for good. The log goes on verifying.',
      locate: () => ({ workspace: null }),
      output: [{ status: 200, doc: 'Whose keys were destroyed.', schema: erasedSchema }],
    },
    { body: z.strictObject({ principals: z.array(person).min(1).max(100) }) },
    async ({ caller, body }) => ({
      status: 200,
      body: { kind: 'AuditErased', items: await known(trail).erase(identityOf(caller), body.principals) },
    }),
  )
}

function noTile(): Fault {
  return new Fault('not_found', 'The log does not reach so far, or this is no path of it.', {
    reason: 'no_tile',
  })
}
