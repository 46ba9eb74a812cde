// The functions that pass the second wall.
import { afterAll, expect, test } from 'vitest'
import { openWalls } from './walls.bed.ts'

const walls = await openWalls()
const { eyes } = walls
afterAll(walls.close)

test('functions that run as their owner are these and no others, each with a fixed search path', async () => {
  const { rows } = await eyes.query<{ name: string; path: string }>(
    `select proname as name, array_to_string(proconfig, ',') as path from pg_proc
     where pronamespace = 'switchyard'::regnamespace and prosecdef order by 1`,
  )
  expect(rows.map(({ name }) => name)).toEqual([
    'audit',
    'audit_change',
    'audit_denied',
    'audit_erase',
    'audit_erased',
    'audit_forget',
    'audit_identity',
    'audit_link',
    'audit_mails',
    'audit_master_key',
    'audit_prune',
    'audit_retain',
    'audit_secret',
    'audit_server_key',
    'audit_session',
    'audit_unsealed',
    'audit_unsealed_value',
    'audit_value',
    'check_quota',
    'close_usage_batch',
    'count_referrers',
    'drop_responses',
    'end_price_book',
    'expand_grants',
    'explain_usage',
    'free_target',
    'free_workspace',
    'grant_assignment',
    'grant_provider',
    'has_admin',
    'hold',
    'hold_money',
    'hold_workspace',
    'journal_recovered',
    'keep_admin',
    'keep_grants',
    'keep_out',
    'keep_provider_grants',
    'lacks_of',
    'lease_slice',
    'leave_workspace',
    'limit_admit',
    'limit_change',
    'limit_prune',
    'limit_renew',
    'newest_version',
    'open_usage_batch',
    'place_beside',
    'price_changed',
    'prune_changes',
    'prune_responses',
    'purge',
    'quota_returns',
    'quota_standing',
    'rebuild_usage',
    'record_money',
    'release_devices',
    'reserved_memory',
    'resolve_quarantine',
    'role_permissions',
    'seal',
    'seal_change',
    'settle_usage',
    'take_devices',
    'tidy_ledger',
    'void_hold',
    'vouched_beyond',
  ])
  expect(new Set(rows.map(({ path }) => path))).toEqual(new Set(['search_path=switchyard, pg_temp']))
})
