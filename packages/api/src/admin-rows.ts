// Rows for who runs the installation: versions of the master key, and whether all is in order.
import { Fault } from '@switchyard/kinds'
import type { CheckedRow, MasterKeyVersion, Vault } from '@switchyard/runtime'
import { z } from 'zod'
import { guarded, type Row } from './route.ts'
import { noVault } from './sealed.ts'

export interface AdminOptions {
  readonly vault: Vault | undefined
  /** Called when a version was added: what older ones wrap is to be brought under it. */
  readonly keyAdded: (() => void) | undefined
  /** Runs every check of this server. */
  readonly examine: (() => Promise<readonly CheckedRow[]>) | undefined
  readonly now: () => number
}

const versionSchema = z.object({
  version: z.int(),
  id: z.string().describe('16 hex digits, told by the key itself.'),
  root: z.string().describe('Root key that wraps it: its id, or `kms`.'),
  madeAt: z.string(),
  opens: z.boolean().describe('Whether this server has its root key.'),
  uses: z.record(z.string(), z.int()).describe('Values that are sealed under it, by what they are.'),
})

const versionsSchema = z.object({
  kind: z.literal('MasterKeyList'),
  items: z.array(versionSchema),
  rewrap: z
    .object({ done: z.int(), total: z.int() })
    .describe('Values under the newest version, of all there are.'),
})

const checksSchema = z.object({
  kind: z.literal('DoctorReport'),
  at: z.string(),
  passed: z.int(),
  warned: z.int(),
  failed: z.int(),
  checks: z.array(
    z.object({
      name: z.string(),
      asserts: z.string(),
      status: z.enum(['pass', 'warn', 'fail']),
      found: z.string(),
      todo: z.string().optional(),
      milliseconds: z.int(),
    }),
  ),
})

export type MasterKeys = z.infer<typeof versionsSchema>
export type DoctorReport = z.infer<typeof checksSchema>

const platform = () => ({ workspace: null })
const asks = { permission: 'system:keys' } as const

export function adminRows({ vault, keyAdded, examine, now }: AdminOptions): readonly Row[] {
  const keys = () => {
    if (!vault) throw noVault()
    return vault.keys
  }
  return [
    guarded(
      asks,
      {
        method: 'GET',
        path: '/api/v1/masterkeys',
        doc: 'Versions of the master key, the newest first, and how far the others have been left.',
        locate: platform,
        output: [{ status: 200, doc: 'Nothing of the keys themselves.', schema: versionsSchema }],
      },
      {},
      async () => ({ status: 200, body: listOf(await keys().list()) }),
    ),
    guarded(
      asks,
      {
        method: 'POST',
        path: '/api/v1/masterkeys/actions/rotate',
        doc: 'Adds a version, which seals from now on; what is under older ones is brought under it in the background.',
        locate: platform,
        output: [{ status: 201, doc: 'The new version.', schema: versionSchema }],
      },
      {},
      async () => {
        const made = await keys().add()
        keyAdded?.()
        return { status: 201, body: made }
      },
    ),
    guarded(
      asks,
      {
        method: 'DELETE',
        path: '/api/v1/masterkeys/{version}',
        doc: 'Takes a version away that nothing is sealed under any more.',
        locate: ({ version = '' }) => ({ workspace: null, name: version }),
        output: [{ status: 200, doc: 'The versions that are left.', schema: versionsSchema }],
      },
      {},
      async ({ params }) => {
        await keys().drop(versionOf(params.version))
        return { status: 200, body: listOf(await keys().list()) }
      },
    ),
    guarded(
      { permission: 'system:admin' },
      {
        method: 'GET',
        path: '/api/v1/doctor',
        doc: 'Looks whether all is in order on the running server, and says of each thing that is not what to do.',
        locate: platform,
        output: [{ status: 200, doc: 'Every check, also where some failed.', schema: checksSchema }],
      },
      {},
      async () => {
        if (!examine)
          throw new Fault('unsupported', 'This process has nothing to examine. Ask one that runs a server.', {
            reason: 'no_doctor',
            status: 501,
          })
        const checks = await examine()
        const count = (status: CheckedRow['status']) => checks.filter(row => row.status === status).length
        const at = new Date(now()).toISOString()
        const counts = { passed: count('pass'), warned: count('warn'), failed: count('fail') }
        const body: DoctorReport = { kind: 'DoctorReport', at, ...counts, checks: [...checks] }
        return { status: 200, body }
      },
    ),
  ]
}

function listOf(items: readonly MasterKeyVersion[]): MasterKeys {
  const sum = ({ uses }: MasterKeyVersion) => Object.values(uses).reduce((total, n) => total + n, 0)
  const [done = 0, ...left] = items.map(sum)
  return {
    kind: 'MasterKeyList',
    items: [...items],
    rewrap: { done, total: left.reduce((total, n) => total + n, done) },
  }
}

function versionOf(text = ''): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new Fault('invalid', 'Name a version by its number, such as 1.', { reason: 'version' })
}
