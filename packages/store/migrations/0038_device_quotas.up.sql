-- Quotas of devices, beside those of replicas: each flavor of a quota (`replicas`, `nvidia`, `nvidia/L4`) is counted, lent
-- and borrowed by itself, among the quotas of the cohort that have the same.
drop trigger quota_of_endpoint on resources;
drop trigger quota_of_replica on resources;
drop function check_quota(), quota_returns(text), quota_standing(text), asked_of(resources);

-- What an Endpoint asks for of a flavor; without an accelerator it is replicas.
create function asked_of(e resources, of_accelerator text, of_product text) returns bigint
language sql immutable as $$
  select case when e.deleted_at is not null or e.spec -> 'paused' = 'true'::jsonb then 0
    else coalesce((e.spec ->> 'replicas')::bigint, 0) * case
      when of_accelerator is null then 1
      when e.spec #>> '{resources,accelerator}' = of_accelerator
        and (of_product is null or e.spec #>> '{resources,product}' = of_product)
        then coalesce((e.spec #>> '{resources,devices}')::bigint, 0)
      else 0 end end
$$;

-- What a Replica has of a flavor: devices by what they are, whether its endpoint named the product or not.
create function had_of(r resources, of_accelerator text, of_product text) returns bigint
language sql immutable as $$
  select case
    when of_accelerator is null then 1
    when r.spec #>> '{assignment,accelerator}' = of_accelerator
      and (of_product is null or r.spec #>> '{assignment,product}' = of_product)
      then coalesce(jsonb_array_length(r.spec #> '{assignment,devices}'), 0)::bigint
    else 0 end
$$;

-- The quotas of a workspace's cohort by flavor, and what each may declare and use. A workspace lends what it neither uses
-- nor declares of its own; what others have of it beyond that it gets back before it uses it. `lent` fills lenders by name.
create function quota_standing(at_workspace text) returns table (
  workspace text, quota text, flavor text, accelerator text, product text, nominal bigint, declared bigint, used bigint,
  staying bigint, may_declare bigint, may_use bigint, borrowed bigint, lent bigint, claimed bigint, lendable bigint)
language sql stable security definer set search_path = switchyard, pg_temp as $$
  with cohort as (
    select q.workspace, q.name, f.flavor, f.accelerator, f.product, (f.share ->> 'nominal')::bigint as nominal,
      (f.share ->> 'borrow')::bigint as borrow, (f.share ->> 'lend')::bigint as lend
    from resources own
    join resources q on q.kind = 'Quota' and q.deleted_at is null
      and (q.id = own.id or q.spec ->> 'cohort' = own.spec ->> 'cohort')
    cross join lateral (
      select 'replicas' as flavor, null::text as accelerator, null::text as product, q.spec -> 'replicas' as share
      where q.spec ? 'replicas'
      union all
      select concat_ws('/', d ->> 'accelerator', d ->> 'product'), d ->> 'accelerator', d ->> 'product', d
      from jsonb_array_elements(q.spec -> 'flavors') d
    ) f
    where own.kind = 'Quota' and own.workspace = at_workspace and own.deleted_at is null
  ), counted as (
    select c.*,
      (select coalesce(sum(asked_of(e, c.accelerator, c.product)), 0)::bigint from resources e
        where e.kind = 'Endpoint' and e.place = c.workspace) as declared,
      r.used, r.staying
    from cohort c, lateral (
      select coalesce(sum(had_of(r, c.accelerator, c.product)), 0)::bigint as used,
        coalesce(sum(had_of(r, c.accelerator, c.product))
          filter (where r.deleted_at is null and not r.spec ? 'drain'), 0)::bigint as staying
      from resources r where r.kind = 'Replica' and r.place = c.workspace and r.status ->> 'state' is distinct from 'Stopped'
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
      sum(lendable) over same - lendable - sum(borrowed) over same + borrowed as slack,
      sum(promisable) over same - promisable - sum(promised) over same + promised as promise,
      sum(borrowed) over same - sum(idle) over (same order by workspace) + idle as left_to_lend
    from parts p
    window same as (partition by flavor)
  )
  select workspace, name, flavor, accelerator, product, nominal, declared, used, staying,
    (nominal + least(borrow, greatest(0, promise)))::bigint,
    (nominal + case when slack < 0 then -least(lend, -slack) else least(borrow, slack) end)::bigint,
    borrowed, least(idle, greatest(0, left_to_lend))::bigint,
    greatest(0, least(nominal, declared) - staying), least(lend, greatest(0, nominal - greatest(staying, declared)))
  from whole
$$;

-- Borrowed replicas that a lender needs back for what its endpoints declare: the newest of those that reach beyond the
-- nominal of their workspace. They go on counting as used until they are gone.
create function quota_returns(at_workspace text) returns table (replica text)
language sql stable security definer set search_path = switchyard, pg_temp as $$
  with standing as (
    select * from quota_standing(at_workspace)
  ), needed as (
    select flavor, least(sum(claimed), greatest(0, sum(greatest(0, staying - nominal)) - sum(lendable))) as count
    from standing group by flavor
  ), beyond as (
    select s.flavor, r.workspace, r.name, r.created_at, had_of(r, s.accelerator, s.product) as has, s.staying - s.nominal as most,
      sum(had_of(r, s.accelerator, s.product)) over (partition by s.flavor, r.workspace order by r.created_at desc, r.name desc) as newer
    from standing s
    join resources r on r.kind = 'Replica' and r.place = s.workspace and r.deleted_at is null and not r.spec ? 'drain'
      and r.status ->> 'state' is distinct from 'Stopped'
    where s.staying > s.nominal and had_of(r, s.accelerator, s.product) > 0
  ), chosen as (
    select flavor, workspace, name, created_at, has,
      sum(has) over (partition by flavor order by created_at desc, workspace, name desc) as newer
    from beyond where newer - has < most
  )
  select name from chosen join needed using (flavor) where workspace = at_workspace and newer - has < count
  group by name, created_at order by created_at desc, name desc
$$;

-- Asked at the end of a transaction, under the lock that brings commits in order: nobody comes in between, and no
-- row is locked after it. A transaction that goes on looking at an older state would not see who was before it.
create function check_quota() returns trigger
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
create constraint trigger quota_of_endpoint after insert or update on resources deferrable initially deferred
  for each row when (new.kind = 'Endpoint') execute function check_quota();
create constraint trigger quota_of_replica after insert on resources deferrable initially deferred
  for each row when (new.kind = 'Replica') execute function check_quota();

revoke execute on function quota_standing(text), quota_returns(text) from public;
grant execute on function quota_standing(text), quota_returns(text) to switchyard_control;
