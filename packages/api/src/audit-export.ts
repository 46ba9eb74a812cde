// Entries to take away: one line each, in the form that is asked for, with a proof that the log holds it.
import { once } from 'node:events'
import { Fault } from '@switchyard/kinds'
import {
  type AuditQuery,
  type AuditRow,
  type AuditStore,
  type AuditTrail,
  auditForms,
  auditOutcomes,
} from '@switchyard/runtime'
import { z } from 'zod'
import { holding } from './audit-words.ts'
import { type Caller, identityOf } from './authorize.ts'
import type { Cursors } from './cursor.ts'
import type { Answer } from './route.ts'

const pageEntries = 500

export interface AuditOptions {
  readonly audit: AuditStore
  /** The log as it is signed; without it, what needs it is `unsupported`. */
  readonly trail: AuditTrail | undefined
  readonly cursors: Cursors
}

const time = z.iso.datetime({ offset: true })

export const auditFilterShape = {
  from: time.optional().describe('From then on, by the time of the act.'),
  to: time.optional().describe('Before then.'),
  actor: z.string().max(256).optional().describe('A principal, such as user:ann.'),
  action: z
    .string()
    .regex(/^[a-z_]+(\.[a-z_]+)?\*?$|^[a-z_]+\.\*$/, 'such as endpoint.update, or endpoint.*')
    .max(128)
    .optional()
    .describe('Such as `endpoint.update`, or `endpoint.*`.'),
  kind: z.string().max(63).optional().describe('Of what was acted on.'),
  name: z.string().max(253).optional().describe('Of what was acted on.'),
  outcome: z.enum(auditOutcomes).optional(),
  q: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .optional()
    .describe(
      'Words, all of which stand in what an entry tells (who, what, on what, why, from where, what changed), in whatever case.',
    ),
}

export const exportQuerySchema = z.strictObject({
  ...auditFilterShape,
  form: z.enum(auditForms).default('json').describe('The entry as it is, OCSF API Activity, or CloudEvents.'),
  proofs: z
    .enum(['true', 'false'])
    .default('false')
    .transform(text => text === 'true')
    .describe('With a proof each, as `{entry, proof}`: the entry as text, and a C2SP tlog-proof.'),
})

type Filter = {
  readonly actor?: string | undefined
  readonly name?: string | undefined
  readonly kind?: string | undefined
}

/** Persons are found by who they are, though entries do not say so. */
export async function asked<F extends Filter>(
  trail: AuditTrail | undefined,
  { actor, name, ...filter }: F,
): Promise<Omit<F, 'actor' | 'name'> & Pick<AuditQuery, 'actor' | 'name'>> {
  const named = async (text: string, whom: readonly string[]) => [
    text,
    ...(trail ? (await trail.named(whom)).filter(one => !whom.includes(one)) : []),
  ]
  return {
    ...filter,
    ...(actor === undefined ? {} : { actor: await named(actor, [actor]) }),
    ...(name === undefined
      ? {}
      : { name: await named(name, [`user:${name}`, `email:${name.toLowerCase()}`]) }),
  }
}

/** Texts of entries as whoever may read the trail reads them. */
export const opened = async (
  trail: AuditTrail | undefined,
  entries: readonly string[],
): Promise<readonly string[]> => (trail ? trail.opened(entries) : entries)

export interface ExportAsk {
  readonly caller: Caller
  readonly workspace: string | undefined
  readonly query: z.output<typeof exportQuerySchema>
  readonly signal: AbortSignal
}

/** An export is told to the trail before its first line. */
export async function exportAudit(
  { audit, trail }: AuditOptions,
  { caller, workspace, query, signal }: ExportAsk,
): Promise<Answer> {
  const { form, proofs, ...filter } = query
  const { q, ...fields } = filter
  if (!trail)
    throw new Fault('unsupported', 'This server keeps no signed log.', { reason: 'no_trail', status: 501 })
  if (proofs && form !== 'json')
    throw new Fault('invalid', 'A proof is of an entry as it is: ask for form=json.', {
      details: [{ path: 'proofs', rule: 'exclusive', message: 'goes with form=json alone' }],
    })
  const prover = proofs ? await trail.prover() : undefined
  if (proofs && !prover)
    throw new Fault('unavailable', 'Nothing is signed yet: try again in some seconds.', {
      reason: 'no_checkpoint',
      retryAfterSeconds: 10,
    })
  await audit.record({
    workspace: workspace ?? null,
    action: 'audit.export',
    actor: caller.principal,
    reason: form,
    after: { filter },
  })
  // What a proof is of has to stay as it was hashed.
  const holds = q === undefined ? () => true : holding(q)
  const linesOf = async (rows: readonly AuditRow[]): Promise<readonly string[]> => {
    const texts = await trail.opened(rows.map(({ entry }) => entry))
    if (!prover) return texts.filter(holds).map(trail.present[form])
    const held = rows.filter((_, at) => holds(texts[at] ?? ''))
    return Promise.all(
      held.map(async ({ seq, entry }) => JSON.stringify({ entry, proof: await prover.prove(seq) })),
    )
  }
  const found = await asked(trail, fields)
  return {
    async stream(response) {
      response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
      let beyond: number | undefined
      for (;;) {
        // Where words are looked for, long stretches may hold no line.
        signal.throwIfAborted()
        const rows = await audit.list(identityOf(caller), {
          ...found,
          ...(workspace === undefined ? {} : { workspace }),
          ...(beyond === undefined ? {} : { beyond }),
          ascending: true,
          limit: pageEntries,
        })
        // What is not signed yet has no proof; it comes with the next export.
        const ready = prover ? rows.filter(({ seq }) => seq < prover.size) : rows
        for (const line of await linesOf(ready))
          if (!response.write(`${line}\n`)) await once(response, 'drain', { signal })
        const last = rows.at(-1)
        if (!last || ready.length < pageEntries) return void response.end()
        beyond = last.seq
      }
    },
  }
}
