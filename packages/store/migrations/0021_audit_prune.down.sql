create or replace function audit_prune(keep_days integer) returns bigint
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  through bigint;
  gone bigint;
begin
  select h.archived into through from audit_head h for update;
  select coalesce(min(l.seq), through) into through from audit_log l
    where l.sequenced_at >= clock_timestamp() - make_interval(days => keep_days) or l.seq >= through;
  delete from audit_log where seq < through;
  get diagnostics gone = row_count;
  update audit_head set pruned = greatest(pruned, through) where gone > 0;
  return gone;
end $$;
