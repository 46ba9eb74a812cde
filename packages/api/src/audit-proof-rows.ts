// Rows of how far the trail can be proved: where the log stands, and the proof of one entry.
import { Fault } from '@switchyard/kinds'
import type { AuditTrail } from '@switchyard/runtime'
import { z } from 'zod'
import type { AuditOptions } from './audit-export.ts'
import { identityOf } from './authorize.ts'
import { guarded, nowhere, type Row } from './route.ts'

const standingSchema = z.object({
  kind: z.literal('AuditStanding'),
  entries: z.int().describe('That have a number.'),
  archived: z.int().describe('The archive holds those before it.'),
  pruned: z.int().describe('Those before it are in the archive alone.'),
  unnumberedSeconds: z.number().describe('Age of the oldest entry without a number; 0 where none waits.'),
  unsignedSeconds: z.number().describe('Since the oldest entry that no checkpoint covers was numbered.'),
  unarchivedSeconds: z.number().describe('Since the oldest entry that the archive lacks was numbered.'),
  signedAt: z.string().optional(),
  checkpoint: z.string().optional().describe('The newest signed note: origin, size, root, signatures.'),
  keys: z.array(z.string()).describe('Verifier keys as name+hash+key.'),
  protection: z.string().describe('What keeps the archive from being changed.'),
  writeOnce: z.boolean().describe('Whether nobody can take an archived entry back before its time.'),
})

const proofSchema = z.object({
  kind: z.literal('AuditProof'),
  seq: z.int(),
  entry: z.string().describe('As it was hashed: what names a person stands sealed.'),
  proof: z.string().describe('A C2SP tlog-proof, with the checkpoint that it leads to.'),
})

export function auditProofRows(
  { audit, trail }: AuditOptions,
  known: (trail: AuditTrail | undefined) => AuditTrail,
): readonly Row[] {
  const readers = { permission: 'audit:read' } as const
  return [
    guarded(
      readers,
      {
        method: 'GET',
        path: '/api/v1/audit/standing',
        doc: 'How far the log has come: how much is numbered, signed and archived.',
        locate: nowhere,
        output: [{ status: 200, doc: 'Where it stands.', schema: standingSchema }],
      },
      {},
      async () => {
        const { keys, protection, writeOnce } = known(trail)
        const [head, standing, signed] = await Promise.all([
          audit.head(),
          audit.standing(),
          audit.checkpoint(),
        ])
        const { signedAt } = standing
        const body: z.output<typeof standingSchema> = {
          kind: 'AuditStanding',
          entries: head.size,
          archived: head.archived,
          pruned: head.pruned,
          unnumberedSeconds: standing.unnumbered,
          unsignedSeconds: standing.unsigned,
          unarchivedSeconds: standing.unarchived,
          ...(signedAt !== undefined && { signedAt: new Date(signedAt * 1000).toISOString() }),
          ...(signed && { checkpoint: signed.note }),
          keys: [...keys],
          protection,
          writeOnce,
        }
        return { status: 200, headers: { 'cache-control': 'no-store' }, body }
      },
    ),
    guarded(
      readers,
      {
        method: 'GET',
        path: '/api/v1/audit/entries/{seq}/proof',
        doc: 'The proof that the log holds an entry that you may read.',
        locate: ({ seq = '' }) => ({ workspace: undefined, name: seq }),
        output: [{ status: 200, doc: 'The entry as it was hashed, and its proof.', schema: proofSchema }],
      },
      {},
      async ({ caller, params: { seq: text = '' } }) => {
        const seq = /^\d{1,15}$/.test(text) ? Number(text) : -1
        const [row] =
          seq < 0 ? [] : await audit.list(identityOf(caller), { beyond: seq - 1, ascending: true, limit: 1 })
        if (row?.seq !== seq)
          throw new Fault('not_found', `There is no entry ${text} that you may read.`, {
            reason: 'entry_not_found',
          })
        const prover = await known(trail).prover()
        if (!prover || prover.size <= seq)
          throw new Fault('unavailable', 'This entry is not signed yet: try again in some seconds.', {
            reason: 'no_checkpoint',
            retryAfterSeconds: 10,
          })
        const body = { kind: 'AuditProof', seq, entry: row.entry, proof: await prover.prove(seq) }
        return { status: 200, headers: { 'cache-control': 'no-store' }, body }
      },
    ),
  ]
}
