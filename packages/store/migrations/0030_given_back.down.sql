create or replace function tidy_ledger(trace_hours double precision) returns bigint
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  one record;
  a accounts;
  free numeric;
  written bigint := 0;
begin
  for one in
    select distinct account from credits where remaining > 0 and expires_at <= clock_timestamp() order by account
  loop
    perform from accounts where id = one.account for update;
    perform expire_credits(one.account);
  end loop;
  -- What became of them is in the entries.
  delete from holds where state in ('settled', 'voided') and expires_at < clock_timestamp() - interval '1 day';
  update holds set state = 'orphaned' where state = 'pending' and expires_at < clock_timestamp();
  update slices set state = 'orphaned' where state = 'open' and expires_at < clock_timestamp();
  for one in
    select 'slice' as what, s.id::text as id, s.account from slices s
    where s.state = 'orphaned' and s.expires_at < clock_timestamp() - make_interval(secs => trace_hours * 3600)
    union all
    select 'hold', h.request::text, h.account from holds h
    where h.state = 'orphaned' and h.expires_at < clock_timestamp() - make_interval(secs => trace_hours * 3600)
    order by account, what, id
  loop
    select * into a from accounts where id = one.account for update;
    if one.what = 'slice' then
      select s.amount - s.used into free from slices s where s.id = one.id::bigint and s.state = 'orphaned' for update;
      continue when not found;
      update slices s set amount = s.used, state = 'closed' where s.id = one.id::bigint;
      update accounts set sliced = sliced - free where id = a.id;
    else
      update holds h set state = 'settled', settled = 0, changed_at = clock_timestamp()
      where h.request = one.id::uuid and h.state = 'orphaned' returning h.reserved into free;
      continue when not found;
      update accounts set pending = pending - free where id = a.id;
    end if;
    insert into ledger_transactions (workspace, cause, reference, reason)
    values (a.workspace, 'write_off', one.what || ':' || one.id, format('%s was held and left no trace of its use.', free));
    written := written + 1;
  end loop;
  return written;
end $$;
