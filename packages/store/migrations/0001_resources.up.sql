-- Documents of every kind in one table, what refers to what, and the log of changes in commit order.

-- One row for each kind, kept equal to the kinds of the program whenever it migrates.
create table kinds (
  kind text primary key,
  noun text not null unique,
  scope text not null check (scope in ('platform', 'workspace', 'either')),
  -- Written by control or agents alone: people read and delete.
  system boolean not null,
  -- How its platform documents reach workspaces: never, as spec.share says, or all of them.
  sharing text not null check (sharing in ('none', 'spec', 'all')),
  -- Its status is written with its spec by whoever may update it (no reconciler has it).
  own_status boolean not null,
  agent text not null check (agent in ('none', 'read', 'status')),
  gateway boolean not null
);

create table resources (
  id uuid primary key,
  kind text not null references kinds,
  -- null is the platform.
  workspace text,
  name text not null check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  -- Newest version of the log that speaks of it; 0 until its first commit.
  version bigint not null default 0,
  created_at timestamptz not null,
  deleted_at timestamptz,
  metadata jsonb not null,
  spec jsonb not null,
  status jsonb not null,
  -- For unique names and for order: the platform comes first.
  place text not null generated always as (coalesce(workspace, '')) stored,
  share jsonb generated always as (case when workspace is null then spec -> 'share' end) stored,
  -- Principal that a key belongs to.
  owner text generated always as (case
    when kind <> 'ApiKey' then null
    when spec #>> '{owner,kind}' = 'User' then 'user:' || (spec #>> '{owner,name}')
    else 'serviceaccount:' || coalesce(workspace, '') || '/' || (spec #>> '{owner,name}')
  end) stored,
  constraint resources_taken unique (kind, place, name),
  constraint resources_metadata check (
    metadata ->> 'id' = id::text
    and metadata ->> 'name' = name
    and metadata ->> 'workspace' is not distinct from workspace
    and (metadata ? 'deletionTimestamp') = (deleted_at is not null)
  )
);
create unique index resources_email_taken on resources (lower(spec ->> 'email')) where kind = 'User';
create index resources_by_name on resources (kind, place collate "C", name collate "C");
create index resources_by_age on resources (kind, created_at desc, id desc);
create index resources_by_workspace on resources (workspace) where workspace is not null;

create table refs (
  from_id uuid not null references resources on delete cascade,
  path text not null,
  to_id uuid not null constraint refs_target references resources,
  -- Kind and workspace of the document that refers, filled by a trigger.
  kind text not null,
  workspace text,
  primary key (from_id, path, to_id)
);
create index refs_by_target on refs (to_id);

create table changes (
  version bigint primary key,
  at timestamptz not null default clock_timestamp(),
  type text not null check (type in ('ADDED', 'MODIFIED', 'DELETED')),
  id uuid not null,
  kind text not null,
  workspace text,
  name text not null,
  share jsonb,
  share_before jsonb,
  owner text,
  document jsonb not null,
  before jsonb
);
create index changes_by_object on changes (id, version desc);
create index changes_by_time on changes (at);

create sequence log_version;

-- What has been pruned from the log: a reader who is not beyond it must list again.
create table log_state (
  single boolean primary key default true check (single),
  pruned_through bigint not null default 0
);
insert into log_state default values;

-- A secret's hash beside its document. No caller may select a hash.
create table secret_hashes (
  resource_id uuid not null references resources on delete cascade,
  field text not null,
  kind text not null,
  workspace text,
  hash text not null,
  previous_hash text,
  previous_until timestamptz,
  primary key (resource_id, field),
  check ((previous_hash is null) = (previous_until is null))
);

create table events (
  id uuid primary key default gen_random_uuid(),
  workspace text,
  kind text not null,
  name text not null,
  object_id uuid not null,
  type text not null check (type in ('Normal', 'Warning')),
  reason text not null check (reason ~ '^[A-Z][A-Za-z0-9]*$'),
  message text not null check (length(message) <= 4096),
  first_at timestamptz not null default clock_timestamp(),
  last_at timestamptz not null default clock_timestamp(),
  count integer not null default 1 check (count > 0)
);
create index events_by_object on events (object_id, last_at desc);
create index events_by_time on events (last_at desc);

create table leases (
  name text primary key,
  holder text,
  epoch bigint not null check (epoch > 0),
  expires_at timestamptz not null
);

create function document_of(r resources, at_version bigint) returns jsonb
language sql immutable as $$
  select jsonb_build_object(
    'apiVersion', 'switchyard.dev/v1',
    'kind', r.kind,
    'metadata', r.metadata || jsonb_build_object('resourceVersion', at_version::text),
    'spec', r.spec,
    'status', r.status
  )
$$;

-- Runs at commit, once for each row event. Versions are given under one lock that is held until the commit
-- is visible, so whoever has seen n never later meets a commit with a version <= n. A sequence alone does not
-- give this. Several events of one row in one transaction become one change.
create function seal_change() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  standing resources;
  next_version bigint;
begin
  if tg_op = 'DELETE' then
    if old.version = 0 then
      return null; -- made and removed within this transaction
    end if;
  else
    select * into standing from resources where id = new.id;
    if not found or standing.version <> new.version then
      return null; -- removed since, or logged already by an earlier event of this transaction
    end if;
  end if;

  perform pg_advisory_xact_lock(hashtextextended('switchyard.log', 0));
  next_version := nextval('log_version');
  if tg_op = 'DELETE' then
    insert into changes (version, type, id, kind, workspace, name, share, share_before, owner, document, before)
    values (next_version, 'DELETED', old.id, old.kind, old.workspace, old.name, old.share, old.share,
      old.owner, document_of(old, next_version), document_of(old, old.version));
  elsif tg_op = 'INSERT' then
    update resources set version = next_version where id = new.id;
    insert into changes (version, type, id, kind, workspace, name, share, owner, document)
    values (next_version, 'ADDED', standing.id, standing.kind, standing.workspace, standing.name, standing.share,
      standing.owner, document_of(standing, next_version));
  else
    update resources set version = next_version where id = new.id;
    insert into changes (version, type, id, kind, workspace, name, share, share_before, owner, document, before)
    values (next_version, 'MODIFIED', standing.id, standing.kind, standing.workspace, standing.name,
      standing.share, old.share, standing.owner, document_of(standing, next_version), document_of(old, old.version));
  end if;
  perform pg_notify('switchyard', next_version::text);
  return null;
end $$;

create constraint trigger seal_insert after insert on resources deferrable initially deferred
  for each row execute function seal_change();
create constraint trigger seal_update after update on resources deferrable initially deferred
  for each row when (old.version = new.version and old.* is distinct from new.*) execute function seal_change();
create constraint trigger seal_delete after delete on resources deferrable initially deferred
  for each row execute function seal_change();

-- The last step before a commit: logs what was written, and tells the versions of these documents.
create function seal(ids uuid[]) returns table (id uuid, version bigint)
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  set constraints all immediate;
  return query
    select distinct on (c.id) c.id, c.version from changes c where c.id = any (ids) order by c.id, c.version desc;
end $$;

create function newest_version() returns bigint
language sql stable security definer set search_path = switchyard, pg_temp as $$
  select greatest((select max(version) from changes), (select pruned_through from log_state))
$$;

-- Locks a document until the end of the transaction. Row-level security would ask for the right to update
-- even for a share lock, and a reference needs the lock on documents that its writer may only read.
create function hold(document uuid, mode text) returns boolean
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  if mode = 'share' then
    perform from resources where id = document for share;
  else
    perform from resources where id = document for update;
  end if;
  return found;
end $$;

create function count_referrers(target uuid) returns bigint
language sql stable security definer set search_path = switchyard, pg_temp as $$
  select count(distinct from_id) from refs where to_id = target and from_id <> target
$$;

-- A row beside a document is of the kind and workspace of that document, whatever its writer says.
create function place_beside() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  document uuid := case tg_table_name when 'refs' then to_jsonb(new) ->> 'from_id' else to_jsonb(new) ->> 'resource_id' end;
begin
  select r.kind, r.workspace into new.kind, new.workspace from resources r where r.id = document;
  if not found then
    raise exception using errcode = 'SY404', message = 'The document is gone: read again.';
  end if;
  return new;
end $$;
create trigger place_beside before insert or update on refs for each row execute function place_beside();
create trigger place_beside before insert or update on secret_hashes for each row execute function place_beside();

-- Keeps the newest rows and the newest while; answers how many went.
create function prune_changes(keep_rows bigint, keep_seconds double precision) returns bigint
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  through bigint;
  gone bigint;
begin
  select least(
    (select version from changes order by version desc offset keep_rows limit 1),
    (select max(version) from changes where at < clock_timestamp() - make_interval(secs => keep_seconds))
  ) into through;
  -- least() passes over a null, and either null means that nothing may go.
  if through is null
    or not exists (select from changes order by version desc offset keep_rows limit 1)
    or not exists (select from changes where at < clock_timestamp() - make_interval(secs => keep_seconds)) then
    return 0;
  end if;
  delete from changes where version <= through;
  get diagnostics gone = row_count;
  update log_state set pruned_through = greatest(pruned_through, through);
  return gone;
end $$;
