-- Responses of OpenAI's Responses API that can be gone on from: kept here, sealed as secrets are, or only the name of
-- the upstream that keeps them. They go when their time is over, when somebody deletes them, and with their workspace.

create table responses (
  workspace text not null check (workspace ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  -- '' for keys of no project.
  project text not null,
  id text not null check (id ~ '^[A-Za-z0-9_][A-Za-z0-9._:-]{0,127}$'),
  model text not null,
  -- Key of the upstream that keeps it; null where it is kept here.
  upstream text,
  previous text,
  made_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  -- AES-256-GCM under a data key that a master key outside of the database wraps, bound to workspace, project and id.
  key_id text check (key_id ~ '^[0-9a-f]{16}$'),
  wrapped bytea check (length(wrapped) = 12 + 32 + 16),
  sealed bytea check (length(sealed) > 12 + 16),
  -- What it takes, its row included: about as measured.
  bytes bigint not null generated always as (256 + coalesce(length(sealed), 0)) stored,
  primary key (workspace, project, id),
  check (num_nulls(key_id, wrapped, sealed) = case when upstream is null then 0 else 3 end),
  check (upstream is null or previous is null)
);
-- What is encrypted does not get smaller.
alter table responses alter column sealed set storage external;
create index responses_by_expiry on responses (expires_at);
create index responses_by_age on responses (workspace, made_at) include (bytes);

alter table responses enable row level security, force row level security;
create policy owner_all on responses to switchyard_owner using (true) with check (true);

-- A gateway works for one workspace in each transaction, and sees no other.
grant select, insert, delete,
  update (model, upstream, previous, made_at, expires_at, key_id, wrapped, sealed)
  on responses to switchyard_gateway;
create policy gateway_works_for_one on responses to switchyard_gateway
  using (workspace = (select current_setting('switchyard.workspace', true)))
  with check (workspace = (select current_setting('switchyard.workspace', true)));

-- Drops those whose time is over, and the oldest of workspaces that keep more than so many bytes.
create function prune_responses(most_bytes bigint) returns bigint
language sql volatile security definer set search_path = switchyard, pg_temp as $$
  with heavy as (
    select workspace from responses group by workspace having sum(bytes) > most_bytes
  ), ranked as (
    select workspace, project, id,
      sum(bytes) over (partition by workspace order by made_at desc, project, id) as upto
    from responses where workspace in (select workspace from heavy)
  ), gone as (
    delete from responses r
    where r.expires_at <= clock_timestamp() or exists (select from ranked k
      where k.workspace = r.workspace and k.project = r.project and k.id = r.id and k.upto > most_bytes)
    returning 1
  )
  select count(*) from gone
$$;
revoke execute on function prune_responses(bigint) from public;
grant execute on function prune_responses(bigint) to switchyard_control, switchyard_gateway;

-- A later workspace or project of the same name must not find what this one kept.
create function drop_responses() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  if old.kind = 'Workspace' then
    delete from responses where workspace = old.name;
  else
    delete from responses where workspace = old.workspace and project = old.name;
  end if;
  return null;
end $$;
revoke execute on function drop_responses() from public;
create trigger drop_responses after delete on resources
  for each row when (old.kind in ('Workspace', 'Project')) execute function drop_responses();
