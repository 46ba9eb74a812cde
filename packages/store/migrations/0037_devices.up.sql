-- Which replica holds which device of a machine, from when to when. A device is held by one at a time: by whom, is told
-- by the Replica's own assignment, and kept here as a fact when the Replica is gone.
create table held_devices (
  node text not null check (node <> ''),
  accelerator text not null check (accelerator <> ''),
  device text not null check (device <> ''),
  product text not null check (product <> ''),
  workspace text not null,
  endpoint text not null,
  replica text not null,
  uid uuid not null,
  since timestamptz not null default clock_timestamp(),
  until timestamptz check (until >= since),
  primary key (uid, accelerator, device)
);
create unique index held_devices_now on held_devices (node, accelerator, device) where until is null;

alter table held_devices enable row level security, force row level security;
create policy owner_all on held_devices to switchyard_owner using (true) with check (true);
grant select on held_devices to switchyard_control;
create policy control_reads on held_devices for select to switchyard_control using (true);

-- Bytes of a machine's memory that replicas have set aside.
create function reserved_memory(on_node text) returns numeric
language sql stable security definer set search_path = switchyard, pg_temp as $$
  select coalesce(sum((spec #>> '{assignment,memoryBytes}')::numeric), 0) from resources
  where kind = 'Replica' and spec #> '{assignment,nodes}' ? on_node and status ->> 'state' is distinct from 'Stopped'
$$;
revoke execute on function reserved_memory(text) from public;
grant execute on function reserved_memory(text) to switchyard_control;

-- At the end of a transaction, under the lock that brings commits in order: nobody comes in between, and no row is
-- locked after it.
create function take_devices() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  own_node text := new.spec #>> '{assignment,nodes,0}';
  wanted bigint := coalesce(jsonb_array_length(new.spec #> '{assignment,devices}'), 0);
  taken bigint;
  capacity numeric;
begin
  perform pg_advisory_xact_lock(hashtextextended('switchyard.log', 0));
  insert into held_devices (node, accelerator, device, product, workspace, endpoint, replica, uid)
  select own_node, new.spec #>> '{assignment,accelerator}', d, new.spec #>> '{assignment,product}', new.workspace,
    new.spec ->> 'endpoint', new.name, new.id
  from jsonb_array_elements_text(new.spec #> '{assignment,devices}') d
  on conflict do nothing;
  get diagnostics taken = row_count;
  if taken < wanted then
    raise exception using errcode = 'SYRSV', message = format(
      'A device that replica %s was to have has been given to another: it is placed anew.', new.name);
  end if;
  if new.spec #>> '{assignment,memoryBytes}' is not null then
    select (c.status #>> '{capacity,memoryBytes}')::numeric into capacity from resources c
    where c.kind = 'Cluster' and c.name = regexp_replace(new.spec ->> 'cluster', '^platform/', '')
      and c.place = case when new.spec ->> 'cluster' like 'platform/%' then '' else new.place end;
    if capacity is null or reserved_memory(own_node) > capacity then
      raise exception using errcode = 'SYRSV', message = format(
        'The memory that replica %s was to have has been given to another: it is placed anew.', new.name);
    end if;
  end if;
  return null;
end $$;
create constraint trigger devices_taken after insert on resources deferrable initially deferred
  for each row when (new.kind = 'Replica' and new.spec ? 'assignment') execute function take_devices();

create function release_devices() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('switchyard.log', 0));
  update held_devices set until = greatest(since, clock_timestamp()) where uid = old.id and until is null;
  return null;
end $$;
create constraint trigger devices_released after update on resources deferrable initially deferred
  for each row when (new.kind = 'Replica' and new.spec ? 'assignment' and new.status ->> 'state' = 'Stopped'
    and old.status ->> 'state' is distinct from 'Stopped') execute function release_devices();
create constraint trigger devices_gone after delete on resources deferrable initially deferred
  for each row when (old.kind = 'Replica' and old.spec ? 'assignment') execute function release_devices();
