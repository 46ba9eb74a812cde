drop policy settling_reads on resources;
revoke select (id, kind, place, name, version, spec) on resources from switchyard_ingest;
alter table usage_events
  drop column hold,
  drop constraint usage_events_end_reason_check,
  add constraint usage_events_end_reason_check check (end_reason in (
    'done', 'client_gone', 'caller_deadline', 'upstream_error', 'our_timeout', 'refused', 'guard_blocked', 'drained',
    'gateway_lost'));
drop function tidy_ledger(double precision), journal_recovered(uuid, bigint), settle_usage(jsonb), void_hold(uuid),
  hold_money(uuid, bigint, uuid, bigint, numeric, double precision),
  lease_slice(text, text, uuid, bigint, numeric, numeric, numeric, numeric, numeric, double precision),
  is_fenced(uuid, bigint), record_money(text, text, text, numeric, integer, timestamptz, text, text, text),
  expire_credits(bigint), burn_credits(bigint, numeric), post(accounts, text, numeric, bigint), left_of(accounts),
  account_for(text, text);
drop table journal_fences, slices, holds, credits, ledger_entries, ledger_transactions, accounts;
drop function keep_fact(), post_entries();
