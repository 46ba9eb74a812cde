create or replace function check_quota() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  s record;
  before bigint := 0;
  more bigint;
  thing text;
begin
  if not exists (select from resources where kind = 'Quota' and workspace = new.workspace) then
    return null;
  end if;
  if tg_op = 'UPDATE' and asked_of(new, null, null) <= asked_of(old, null, null)
    and new.spec -> 'resources' is not distinct from old.spec -> 'resources' then
    return null;
  end if;
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception using errcode = '40001', message = 'Quotas are kept by transactions of read committed.';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('switchyard.log', 0));
  for s in select * from quota_standing(new.workspace) q where q.workspace = new.workspace order by q.flavor loop
    thing := case when s.accelerator is null then 'replicas' else 'devices of ' || concat_ws(' ', s.accelerator, s.product) end;
    if new.kind = 'Endpoint' then
      if tg_op = 'UPDATE' then
        before := asked_of(old, s.accelerator, s.product);
      end if;
      more := asked_of(new, s.accelerator, s.product);
      if more > before and s.declared > s.may_declare then
        raise exception using errcode = 'SYQTA', detail = s.flavor, message = format(
          'Quota %s lets the endpoints of workspace %s have %s %s, %s of them its own. The others have %s, which leaves %s: ask for at most so many, or have the quota raised.',
          s.quota, new.workspace, s.may_declare, thing, s.nominal, s.declared - more,
          greatest(0, s.may_declare - s.declared + more));
      end if;
    else
      more := had_of(new, s.accelerator, s.product);
      if more > 0 and s.used > s.may_use then
        raise exception using errcode = 'SYQTA', detail = s.flavor, message = format(
          'Quota %s lets workspace %s use %s %s now, %s of them its own. %s', s.quota, new.workspace, s.may_use, thing,
          s.nominal, case when s.accelerator is null then 'None is left for another.'
            else format('%s are left, and a replica needs %s.', greatest(0, s.may_use - s.used + more), more) end);
      end if;
    end if;
  end loop;
  return null;
end $$;
