-- For how long the trail is kept in all, as it was asked for over time. What is longer holds at once; what is shorter waits for
-- a week, in which somebody may see it in the trail and take it back.
create table audit_retention (
  n bigint generated always as identity primary key,
  days integer not null check (days >= 183),
  asked_at timestamptz not null default clock_timestamp(),
  effective_at timestamptz not null
);
alter table audit_retention enable row level security, force row level security;
create policy owner_all on audit_retention to switchyard_owner using (true) with check (true);

-- What holds now: the newest whose time has come, before another one was asked for.
create function audit_retained() returns integer language sql stable as $$
  select days from (
    select n, days, effective_at, lead(asked_at) over (order by n) as superseded_at from audit_retention
  ) asked
  where effective_at <= clock_timestamp() and (superseded_at is null or superseded_at >= effective_at)
  order by n desc limit 1
$$;

create function audit_retain(asked integer) returns table (days integer, waiting integer, waits_until timestamptz)
language plpgsql security definer set search_path = switchyard, pg_temp as $$
#variable_conflict use_column
declare
  standing integer;
  newest audit_retention;
begin
  lock table audit_retention in share row exclusive mode;
  standing := audit_retained();
  select * into newest from audit_retention order by n desc limit 1;
  if newest.days is distinct from asked then
    insert into audit_retention (days, effective_at)
      values (asked, clock_timestamp() + case when asked < standing then interval '7 days' else interval '0' end)
      returning * into newest;
    if standing is not null then
      perform audit(null, 'audit.retention', '{"kind": "AuditRetention"}', jsonb_build_object(
        'reason', case when asked < standing then 'waits' else 'applied' end,
        'before', jsonb_build_object('days', standing),
        'after', jsonb_build_object('days', asked, 'from', to_char(newest.effective_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))));
    end if;
  end if;
  if newest.effective_at > clock_timestamp() then
    return query select standing, newest.days, newest.effective_at;
  else
    return query select newest.days, null::integer, null::timestamptz;
  end if;
end $$;
revoke execute on function audit_retain(integer), audit_retained() from public;
grant execute on function audit_retain(integer) to switchyard_audit;
