drop trigger quota_of_endpoint on resources;
drop trigger quota_of_replica on resources;
drop function check_quota(), quota_returns(text), quota_standing(text), had_of(resources, text, text),
  asked_of(resources, text, text);

-- The quotas of a workspace's cohort, and what each may declare and use. A workspace lends what it neither uses nor
-- declares of its own; what others have of it beyond that it gets back before it uses it. `lent` fills lenders by name.
create function quota_standing(at_workspace text) returns table (
  workspace text, quota text, nominal bigint, declared bigint, used bigint, staying bigint,
  may_declare bigint, may_use bigint, borrowed bigint, lent bigint, claimed bigint, lendable bigint)
language sql stable security definer set search_path = switchyard, pg_temp as $$
  with cohort as (
    select q.workspace, q.name, (q.spec #>> '{replicas,nominal}')::bigint as nominal,
      (q.spec #>> '{replicas,borrow}')::bigint as borrow, (q.spec #>> '{replicas,lend}')::bigint as lend
    from resources own
    join resources q on q.kind = 'Quota' and q.deleted_at is null
      and (q.id = own.id or q.spec ->> 'cohort' = own.spec ->> 'cohort')
    where own.kind = 'Quota' and own.workspace = at_workspace and own.deleted_at is null
  ), counted as (
    select c.*,
      (select coalesce(sum((e.spec ->> 'replicas')::bigint), 0)::bigint from resources e
        where e.kind = 'Endpoint' and e.place = c.workspace and e.deleted_at is null
          and e.spec -> 'paused' is distinct from 'true'::jsonb) as declared,
      r.used, r.staying
    from cohort c, lateral (
      select count(*) as used, count(*) filter (where deleted_at is null and not spec ? 'drain') as staying
      from resources where kind = 'Replica' and place = c.workspace and status ->> 'state' is distinct from 'Stopped'
    ) r
  ), parts as (
    select c.*, greatest(0, used - nominal) as borrowed,
      least(lend, greatest(0, nominal - used)) as idle,
      least(lend, greatest(0, nominal - greatest(used, declared))) as lendable,
      greatest(0, declared - nominal) as promised,
      least(lend, greatest(0, nominal - declared)) as promisable
    from counted c
  ), whole as (
    select p.*,
      sum(lendable) over () - lendable - sum(borrowed) over () + borrowed as slack,
      sum(promisable) over () - promisable - sum(promised) over () + promised as promise,
      sum(borrowed) over () - sum(idle) over (order by workspace) + idle as left_to_lend
    from parts p
  )
  select workspace, name, nominal, declared, used, staying,
    (nominal + least(borrow, greatest(0, promise)))::bigint,
    (nominal + case when slack < 0 then -least(lend, -slack) else least(borrow, slack) end)::bigint,
    borrowed, least(idle, greatest(0, left_to_lend))::bigint,
    greatest(0, least(nominal, declared) - staying), least(lend, greatest(0, nominal - greatest(staying, declared)))
  from whole
$$;

-- Borrowed replicas that a lender needs back for what its endpoints declare: the newest of those beyond the nominal of
-- their workspace. They go on counting as used until they are gone.
create function quota_returns(at_workspace text) returns table (replica text)
language sql stable security definer set search_path = switchyard, pg_temp as $$
  with standing as (
    select * from quota_standing(at_workspace)
  ), needed as (
    select least(sum(claimed), greatest(0, sum(greatest(0, staying - nominal)) - sum(lendable))) as count from standing
  ), beyond as (
    select r.workspace, r.name, r.created_at,
      row_number() over (partition by r.workspace order by r.created_at desc, r.name desc) as place, s.staying - s.nominal as most
    from standing s
    join resources r on r.kind = 'Replica' and r.place = s.workspace and r.deleted_at is null and not r.spec ? 'drain'
      and r.status ->> 'state' is distinct from 'Stopped'
    where s.staying > s.nominal
  ), chosen as (
    select workspace, name, row_number() over (order by created_at desc, workspace, name desc) as turn
    from beyond where place <= most
  )
  select name from chosen where workspace = at_workspace and turn <= (select count from needed) order by turn
$$;

create function asked_of(e resources) returns bigint
language sql immutable as $$
  select case when e.deleted_at is not null or e.spec -> 'paused' = 'true'::jsonb then 0
    else coalesce((e.spec ->> 'replicas')::bigint, 0) end
$$;

-- Asked at the end of a transaction, under the lock that brings commits in order: nobody comes in between, and no
-- row is locked after it. A transaction that goes on looking at an older state would not see who was before it.
create function check_quota() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  s record;
begin
  if new.kind = 'Endpoint' and asked_of(new) <= (case tg_op when 'INSERT' then 0 else asked_of(old) end)
    or not exists (select from resources where kind = 'Quota' and workspace = new.workspace) then
    return null;
  end if;
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception using errcode = '40001', message = 'Quotas are kept by transactions of read committed.';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('switchyard.log', 0));
  select * into s from quota_standing(new.workspace) q where q.workspace = new.workspace;
  if new.kind = 'Endpoint' and s.declared > s.may_declare then
    raise exception using errcode = 'SYQTA', message = format(
      'Quota %s lets the endpoints of workspace %s have %s replicas, %s of them its own. The others have %s, which leaves %s: ask for at most so many, or have the quota raised.',
      s.quota, new.workspace, s.may_declare, s.nominal, s.declared - asked_of(new),
      greatest(0, s.may_declare - s.declared + asked_of(new)));
  elsif new.kind = 'Replica' and s.used > s.may_use then
    raise exception using errcode = 'SYQTA', message = format(
      'Quota %s lets workspace %s use %s replicas now, %s of them its own. None is left for another.',
      s.quota, new.workspace, s.may_use, s.nominal);
  end if;
  return null;
end $$;
create constraint trigger quota_of_endpoint after insert or update on resources deferrable initially deferred
  for each row when (new.kind = 'Endpoint') execute function check_quota();
create constraint trigger quota_of_replica after insert on resources deferrable initially deferred
  for each row when (new.kind = 'Replica') execute function check_quota();

revoke execute on function quota_standing(text), quota_returns(text) from public;
grant execute on function quota_standing(text), quota_returns(text) to switchyard_control;
