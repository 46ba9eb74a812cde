drop function rebuild_usage(timestamptz, timestamptz, boolean), fold_usage(timestamptz, timestamptz);
drop view rated;
drop table usage_rollups, usage_counters;
delete from usage_quarantine where reason = 'unpriced';
alter table usage_quarantine drop constraint usage_quarantine_reason_check, add constraint usage_quarantine_reason_check
  check (reason in ('conflict', 'bad_schema', 'unknown_unit', 'negative', 'too_old', 'future', 'poison'));
alter table usage_events drop column currency, drop column amount, drop column cost, drop column rated_units,
  drop column rated_rates, drop column rated_amounts, drop column cost_units, drop column cost_rates, drop column cost_amounts;
