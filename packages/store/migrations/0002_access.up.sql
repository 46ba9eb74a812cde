-- The second wall: rights computed in the database, policies for every role, and guards for what a policy
-- cannot say.

-- What each principal holds, kept equal to the Role and RoleAssignment documents by triggers.
create table grants (
  assignment uuid not null,
  principal text not null,
  -- null is everywhere.
  workspace text,
  permission text not null,
  expires_at timestamptz,
  primary key (assignment, permission)
);
create index grants_by_principal on grants (principal, permission);
insert into grants (assignment, principal, permission)
values ('00000000-0000-0000-0000-000000000000', 'system:operator', '*');

-- The same by kind and verb, so that a policy reads one range of an index. Measured for a member of 20
-- workspaces with 440 grants: joining grants with kinds in each query took 1.3 ms (5 ms by patterns, 31 ms
-- with the nested loop that the planner chooses before the first analyse), this 0.3 ms.
create table rights (
  principal text not null,
  verb text not null check (verb in ('read', 'create', 'update', 'delete')),
  kind text not null references kinds,
  workspace text,
  assignment uuid not null,
  expires_at timestamptz,
  primary key (principal, verb, kind, assignment)
);
create index rights_by_assignment on rights (assignment);

-- Every permission there is, kept equal to the program's table like the kinds.
create table permissions (
  permission text primary key
);

-- After a transaction a local setting reads as '', not null: both mean nobody.
create function principal() returns text language sql stable as $$
  select nullif(current_setting('switchyard.principal', true), '')
$$;
create function scopes() returns text[] language sql stable as $$
  select string_to_array(nullif(current_setting('switchyard.scopes', true), ''), ' ')
$$;
create function only_workspace() returns text language sql stable as $$
  select nullif(current_setting('switchyard.workspace', true), '')
$$;

-- Every granted pattern that covers a permission.
create function patterns(permission text) returns text[] language sql immutable as $$
  select array['*', '*:*', permission, split_part(permission, ':', 1) || ':*', '*:' || split_part(permission, ':', 2)]
$$;

-- Rights of one assignment, or of all. People read and delete system documents, and no more.
create function expand_grants(only_assignment uuid) returns void
language sql security definer set search_path = switchyard, pg_temp as $$
  delete from rights where only_assignment is null or assignment = only_assignment;
  insert into rights (principal, verb, kind, workspace, assignment, expires_at)
  select g.principal, v.verb, k.kind, g.workspace, g.assignment, g.expires_at
  from grants g
  cross join kinds k
  cross join (values ('read'), ('create'), ('update'), ('delete')) v (verb)
  where (only_assignment is null or g.assignment = only_assignment)
    and g.permission = any (patterns(k.noun || ':' || v.verb))
    and (not k.system or v.verb in ('read', 'delete'))
  on conflict do nothing
$$;

-- The kinds that the principal may treat so, and where; workspace null is everywhere, the platform included.
-- Names are qualified instead of a search path, so that the planner can inline it.
create function reach(verb text) returns table (kind text, workspace text) language sql stable as $$
  select r.kind, coalesce(asked.only_workspace, r.workspace)
  from (select switchyard.only_workspace() offset 0) asked (only_workspace), switchyard.rights r
  where r.principal = switchyard.principal() and r.verb = reach.verb
    and (r.expires_at is null or r.expires_at > now())
    and (asked.only_workspace is null or r.workspace is null or r.workspace = asked.only_workspace)
    and r.kind in (
      select k.kind from switchyard.kinds k where switchyard.scopes() && switchyard.patterns(k.noun || ':' || reach.verb)
    )
$$;

create function may(document_kind text, verb text, at_workspace text) returns boolean
language sql stable set search_path = switchyard, pg_temp as $$
  select exists (
    select from reach(verb) r
    where r.kind = document_kind and (r.workspace is null or r.workspace = at_workspace)
  )
$$;

-- Where the principal holds a permission that is no document's verb; null is everywhere.
create function held(permission text) returns setof text
language sql stable set search_path = switchyard, pg_temp as $$
  select distinct coalesce(only_workspace(), g.workspace)
  from grants g
  where g.principal = principal()
    and g.permission = any (patterns(held.permission))
    and (g.expires_at is null or g.expires_at > now())
    and (only_workspace() is null or g.workspace is null or g.workspace = only_workspace())
    and scopes() && patterns(held.permission)
$$;

create function holds(permission text, at_workspace text) returns boolean
language sql stable set search_path = switchyard, pg_temp as $$
  select exists (select from held(holds.permission) h where h is null or h = at_workspace)
$$;

-- Whether a platform document with this share may be read by the principal.
create function shared(document_kind text, share jsonb) returns boolean
language sql stable set search_path = switchyard, pg_temp as $$
  select exists (
    select from reach('read') r
    where r.kind = document_kind
      and (share = '"all"'::jsonb or (jsonb_typeof(share) = 'array' and share ? r.workspace))
  )
$$;

-- The select policy of resources as one question, for a change whose two states may differ in it.
create function visible(document_kind text, at_workspace text, document_name text, share jsonb) returns boolean
language sql stable set search_path = switchyard, pg_temp as $$
  select may(document_kind, 'read', at_workspace)
    or (at_workspace is null and (
      (document_kind = 'User' and 'user:' || document_name = principal())
      or (document_kind = 'Workspace' and may('Workspace', 'read', document_name))
      or (share is not null and shared(document_kind, share))
      or (exists (select from kinds k where k.kind = document_kind and k.sharing = 'all')
        and exists (select from reach('read') r where r.kind = document_kind))
    ))
$$;

-- Grants of one assignment, from scratch. The share lock on the Role makes a concurrent change of it wait
-- for us, or us for it; either way the later one sees the earlier.
create function grant_assignment(assignment_id uuid) returns void
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  a resources;
  r resources;
  role_name text;
begin
  delete from grants where assignment = assignment_id;
  delete from rights where assignment = assignment_id;
  select * into a from resources where id = assignment_id and kind = 'RoleAssignment' and deleted_at is null;
  if not found then return; end if;
  role_name := a.spec ->> 'role';
  select * into r from resources
  where kind = 'Role' and name = regexp_replace(role_name, '^platform/', '')
    and place = case when role_name like 'platform/%' then '' else a.place end
    and deleted_at is null
  for share;
  if not found then return; end if;
  insert into grants (assignment, principal, workspace, permission, expires_at)
  select distinct a.id,
    case when a.spec #>> '{subject,kind}' = 'User' then 'user:' || (a.spec #>> '{subject,name}')
      else 'serviceaccount:' || a.place || '/' || (a.spec #>> '{subject,name}') end,
    a.workspace, p, (a.spec ->> 'expiresAt')::timestamptz
  from jsonb_array_elements_text(r.spec -> 'permissions') p;
  perform expand_grants(a.id);
end $$;

create function keep_grants() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  changed resources := coalesce(new, old);
  assignment resources;
begin
  if changed.kind = 'RoleAssignment' then
    perform grant_assignment(changed.id);
  elsif changed.kind = 'Role' then
    for assignment in
      select * from resources
      where kind = 'RoleAssignment'
        and ((changed.workspace is null and (spec ->> 'role' = 'platform/' || changed.name
            or (workspace is null and spec ->> 'role' = changed.name)))
          or (changed.workspace is not null and workspace = changed.workspace and spec ->> 'role' = changed.name))
    loop
      perform grant_assignment(assignment.id);
    end loop;
  end if;
  return null;
end $$;
create trigger keep_grants_insert after insert on resources
  for each row when (new.kind in ('Role', 'RoleAssignment')) execute function keep_grants();
create trigger keep_grants_update after update on resources
  for each row when (new.kind in ('Role', 'RoleAssignment')
    and (old.spec is distinct from new.spec or old.deleted_at is distinct from new.deleted_at))
  execute function keep_grants();
create trigger keep_grants_delete after delete on resources
  for each row when (old.kind in ('Role', 'RoleAssignment')) execute function keep_grants();

-- What a Role of this name grants to assignments of this workspace, read whoever asks.
create function role_permissions(role_name text, at_workspace text) returns jsonb
language sql stable security definer set search_path = switchyard, pg_temp as $$
  select spec -> 'permissions' from resources
  where kind = 'Role' and name = regexp_replace(role_name, '^platform/', '')
    and place = case when role_name like 'platform/%' then '' else coalesce(at_workspace, '') end
$$;

-- Nobody grants what they do not hold there.
create function check_grantable(granted jsonb, at_workspace text) returns void
language plpgsql stable set search_path = switchyard, pg_temp as $$
declare
  lacking text;
begin
  select p.permission into lacking from permissions p
  where patterns(p.permission) && array(select jsonb_array_elements_text(granted))
    and not holds(p.permission, at_workspace)
  order by 1 limit 1;
  if found then
    raise exception using errcode = 'SY403',
      message = format('You cannot grant %s here, because you do not hold it here.', lacking);
  end if;
end $$;

-- What a policy cannot say, because it compares the old row with the new one. Runs with the rights of the
-- writer, so current_user is the role of the transaction.
create function guard_resource() returns trigger
language plpgsql set search_path = switchyard, pg_temp as $$
declare
  k kinds;
  personal constant text[] := array['displayName', 'description', 'labels', 'annotations', 'project'];
  running constant text[] := array['generation', 'updateTimestamp', 'updatedBy', 'deletionTimestamp'];
  held_by_control constant text[] := array['finalizers', 'ownerReferences'];
  removing boolean;
begin
  select * into k from kinds where kind = coalesce(new.kind, old.kind);

  if tg_op = 'DELETE' then
    if current_user = 'switchyard_user' and old.metadata -> 'finalizers' <> '[]'::jsonb
      and not holds('system:force', old.workspace) then
      raise exception using errcode = 'SY409', message = 'The document is being removed: its finalizers are not done yet.';
    end if;
    if current_user = 'switchyard_control' and not k.system
      and (old.deleted_at is null or old.metadata -> 'finalizers' <> '[]'::jsonb) then
      raise exception using errcode = 'SY403', message = 'Control removes only documents that are terminating.';
    end if;
    return old;
  end if;

  if (k.scope = 'platform' and new.workspace is not null) or (k.scope = 'workspace' and new.workspace is null) then
    raise exception using errcode = 'SY400', message = format('A %s %s.', k.kind,
      case k.scope when 'platform' then 'is a platform document: leave metadata.workspace out'
        else 'lives in a workspace: set metadata.workspace' end);
  end if;

  if current_user = 'switchyard_user' and (tg_op = 'INSERT' or new.spec is distinct from old.spec) then
    if new.kind = 'Role' then
      perform check_grantable(new.spec -> 'permissions', new.workspace);
    elsif new.kind = 'RoleAssignment' then
      perform check_grantable(role_permissions(new.spec ->> 'role', new.workspace), new.workspace);
    end if;
  end if;

  if tg_op = 'INSERT' then
    if current_user = 'switchyard_user' and new.deleted_at is not null then
      raise exception using errcode = 'SY400', message = 'A new document cannot be terminating.';
    end if;
    return new;
  end if;

  if (new.id, new.kind, new.name, new.created_at) is distinct from (old.id, old.kind, old.name, old.created_at)
    or new.workspace is distinct from old.workspace then
    raise exception using errcode = 'SY400', message = 'id, kind, workspace and name of a document never change.';
  end if;
  if old.deleted_at is not null and new.deleted_at is distinct from old.deleted_at then
    raise exception using errcode = 'SY409', message = 'A deletion cannot be taken back.';
  end if;
  removing := old.deleted_at is null and new.deleted_at is not null;

  if current_user = 'switchyard_user' then
    if not may(new.kind, case when removing then 'delete' else 'update' end, new.workspace)
      and not (old.deleted_at is not null and may(new.kind, 'delete', new.workspace))
      -- Rotating a key writes its status alone.
      and not (new.kind = 'ApiKey' and not removing and new.spec = old.spec
        and new.metadata - running = old.metadata - running and holds('api_key:rotate', new.workspace)) then
      raise exception using errcode = 'SY403',
        message = format('This needs the permission %s:%s.', k.noun, case when removing then 'delete' else 'update' end);
    end if;
    if (removing or old.deleted_at is not null)
      and (new.spec is distinct from old.spec
        or new.metadata - running - held_by_control is distinct from old.metadata - running - held_by_control) then
      raise exception using errcode = 'SY409', message = 'The document is being removed and can no longer be changed.';
    end if;
    if not k.own_status and new.status - 'phase' is distinct from old.status - 'phase' then
      raise exception using errcode = 'SY403', message = 'The status is written by the server alone.';
    end if;
    if new.metadata - personal - running - held_by_control is distinct from old.metadata - personal - running - held_by_control
      or new.metadata -> 'ownerReferences' is distinct from old.metadata -> 'ownerReferences'
      or (new.metadata -> 'finalizers' is distinct from old.metadata -> 'finalizers'
        and not holds('system:force', new.workspace)) then
      raise exception using errcode = 'SY403', message = 'These metadata are written by the server alone.';
    end if;
  elsif current_user = 'switchyard_control' then
    if not k.system and (new.spec is distinct from old.spec
      or new.metadata - running - held_by_control is distinct from old.metadata - running - held_by_control) then
      raise exception using errcode = 'SY403', message = 'Control does not write what a person wrote.';
    end if;
  elsif current_user = 'switchyard_agent' then
    if k.agent <> 'status' or new.spec is distinct from old.spec or removing
      or new.metadata - array['updateTimestamp', 'updatedBy'] is distinct from old.metadata - array['updateTimestamp', 'updatedBy'] then
      raise exception using errcode = 'SY403', message = 'An agent writes the status of its own replicas and cluster alone.';
    end if;
  end if;
  return new;
end $$;
create trigger guard_resource before insert or update or delete on resources
  for each row execute function guard_resource();

do $$
declare
  t text;
begin
  foreach t in array array['kinds', 'resources', 'refs', 'changes', 'log_state', 'secret_hashes', 'events', 'leases', 'grants', 'rights', 'permissions'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    -- The owner runs migrations and the functions that are marked security definer.
    execute format('create policy owner_all on %I to switchyard_owner using (true) with check (true)', t);
  end loop;
end $$;

revoke execute on function seal(uuid[]), newest_version(), hold(uuid, text), count_referrers(uuid),
  prune_changes(bigint, double precision), grant_assignment(uuid), expand_grants(uuid), role_permissions(text, text) from public;
grant usage on schema switchyard to switchyard_user, switchyard_control, switchyard_agent, switchyard_gateway,
  switchyard_secrets, switchyard_identity, switchyard_ingest;
grant execute on function newest_version() to switchyard_user, switchyard_control, switchyard_agent, switchyard_gateway;
grant execute on function seal(uuid[]), hold(uuid, text), count_referrers(uuid)
  to switchyard_user, switchyard_control, switchyard_agent;
grant execute on function role_permissions(text, text) to switchyard_user;
grant execute on function prune_changes(bigint, double precision) to switchyard_control;

grant select on permissions to switchyard_user;
create policy everyone_reads on permissions for select to switchyard_user using (true);
grant select on kinds, log_state to switchyard_user, switchyard_control, switchyard_agent, switchyard_gateway;
create policy everyone_reads on kinds for select to switchyard_user, switchyard_control, switchyard_agent, switchyard_gateway using (true);
create policy everyone_reads on log_state for select to switchyard_user, switchyard_control, switchyard_agent, switchyard_gateway using (true);

grant select on grants to switchyard_user, switchyard_secrets;
create policy caller_reads_own on grants for select to switchyard_user using (principal = (select principal()));
create policy secrets_read on grants for select to switchyard_secrets using (true);
grant select on rights to switchyard_user;
create policy caller_reads_own on rights for select to switchyard_user using (principal = (select principal()));

-- Callers. The subselects do not depend on the row, so each runs once for a statement; the pairs become one
-- hash. Measured by test/list.bench.ts.
grant select, delete on resources to switchyard_user, switchyard_control;
grant insert (id, kind, workspace, name, created_at, deleted_at, metadata, spec, status) on resources
  to switchyard_user, switchyard_control;
grant update (deleted_at, metadata, spec, status) on resources to switchyard_user, switchyard_control;
create policy caller_reads on resources for select to switchyard_user using (
  kind = any (array(select r.kind from reach('read') r where r.workspace is null))
  or (kind, workspace) in (select r.kind, r.workspace from reach('read') r where r.workspace is not null)
  or (workspace is null and (
    (kind = 'User' and name = (select substr(principal(), 6) where principal() like 'user:%'))
    or (kind = 'Workspace' and name = any (array(
      select r.workspace from reach('read') r where r.kind = 'Workspace' and r.workspace is not null)))
    or (share is not null and shared(kind, share))
    or kind = any (array(
      select r.kind from reach('read') r join kinds k on k.kind = r.kind where k.sharing = 'all'))
  ))
);
create policy caller_creates on resources for insert to switchyard_user with check (may(kind, 'create', workspace));
create policy caller_changes on resources for update to switchyard_user
  using (may(kind, 'update', workspace) or may(kind, 'delete', workspace)
    or (kind = 'ApiKey' and holds('api_key:rotate', workspace)))
  with check (may(kind, 'update', workspace) or may(kind, 'delete', workspace)
    or (kind = 'ApiKey' and holds('api_key:rotate', workspace)));
create policy caller_removes on resources for delete to switchyard_user using (may(kind, 'delete', workspace));
-- A key of someone else needs api_key:any besides, for every verb.
create policy caller_owns_keys on resources as restrictive to switchyard_user
  using (kind <> 'ApiKey' or owner = (select principal()) or (select holds('api_key:any', null))
    or workspace in (select h from held('api_key:any') h where h is not null))
  with check (kind <> 'ApiKey' or owner = (select principal()) or (select holds('api_key:any', null))
    or workspace in (select h from held('api_key:any') h where h is not null));

create policy control_reads on resources for select to switchyard_control using (true);
create policy control_creates on resources for insert to switchyard_control
  with check (kind = any (array(select k.kind from kinds k where k.system)));
create policy control_changes on resources for update to switchyard_control using (true) with check (true);
create policy control_removes on resources for delete to switchyard_control using (true);

grant select on resources to switchyard_agent, switchyard_gateway;
-- The guard lets the status through and refuses the rest.
grant update (deleted_at, metadata, spec, status) on resources to switchyard_agent;
create policy agent_reads on resources for select to switchyard_agent
  using (kind = any (array(select k.kind from kinds k where k.agent <> 'none')));
create policy agent_changes on resources for update to switchyard_agent
  using (kind = any (array(select k.kind from kinds k where k.agent = 'status')))
  with check (kind = any (array(select k.kind from kinds k where k.agent = 'status')));
create policy gateway_reads on resources for select to switchyard_gateway
  using (kind = any (array(select k.kind from kinds k where k.gateway)));

grant select on changes to switchyard_user, switchyard_control, switchyard_agent, switchyard_gateway;
create policy caller_reads on changes for select to switchyard_user using (
  kind = any (array(select r.kind from reach('read') r where r.workspace is null))
  or (kind, workspace) in (select r.kind, r.workspace from reach('read') r where r.workspace is not null)
  or (workspace is null and (
    (kind = 'User' and name = (select substr(principal(), 6) where principal() like 'user:%'))
    or (kind = 'Workspace' and name = any (array(
      select r.workspace from reach('read') r where r.kind = 'Workspace' and r.workspace is not null)))
    or (share is not null and shared(kind, share))
    or (share_before is not null and shared(kind, share_before))
    or kind = any (array(
      select r.kind from reach('read') r join kinds k on k.kind = r.kind where k.sharing = 'all'))
  ))
);
create policy caller_owns_keys on changes as restrictive for select to switchyard_user
  using (kind <> 'ApiKey' or owner = (select principal()) or (select holds('api_key:any', null))
    or workspace in (select h from held('api_key:any') h where h is not null));
create policy control_reads on changes for select to switchyard_control using (true);
create policy agent_reads on changes for select to switchyard_agent
  using (kind = any (array(select k.kind from kinds k where k.agent <> 'none')));
create policy gateway_reads on changes for select to switchyard_gateway
  using (kind = any (array(select k.kind from kinds k where k.gateway)));

grant select, delete on refs to switchyard_user, switchyard_control;
grant insert (from_id, path, to_id) on refs to switchyard_user, switchyard_control;
create policy caller_reads on refs for select to switchyard_user using (
  kind = any (array(select r.kind from reach('read') r where r.workspace is null))
  or (kind, workspace) in (select r.kind, r.workspace from reach('read') r where r.workspace is not null)
);
create policy caller_adds on refs for insert to switchyard_user
  with check (may(kind, 'create', workspace) or may(kind, 'update', workspace));
create policy caller_removes on refs for delete to switchyard_user using (may(kind, 'update', workspace));
create policy control_all on refs to switchyard_control using (true) with check (true);

-- A caller may put a secret where it may write the document, and may never read one: the select grant
-- leaves out the hashes.
grant insert (resource_id, field, hash, previous_hash, previous_until), delete, select (resource_id, field)
  on secret_hashes to switchyard_user;
create policy caller_puts on secret_hashes to switchyard_user
  using (may(kind, 'create', workspace) or may(kind, 'update', workspace)
    or (kind = 'ApiKey' and holds('api_key:rotate', workspace)))
  with check (may(kind, 'create', workspace) or may(kind, 'update', workspace)
    or (kind = 'ApiKey' and holds('api_key:rotate', workspace)));
create policy caller_sees_document on secret_hashes as restrictive to switchyard_user
  using (exists (select from resources r where r.id = resource_id))
  with check (exists (select from resources r where r.id = resource_id));
grant insert (resource_id, field, hash, previous_hash, previous_until), delete, select (resource_id, field)
  on secret_hashes to switchyard_control;
create policy control_puts on secret_hashes to switchyard_control using (true) with check (true);
grant select on secret_hashes to switchyard_secrets;
create policy secrets_read on secret_hashes for select to switchyard_secrets using (true);

grant select, insert, update (count, last_at) on events to switchyard_user, switchyard_control, switchyard_agent;
grant delete on events to switchyard_control;
create policy caller_reads on events for select to switchyard_user using (
  (select holds('event:read', null)) or workspace in (select h from held('event:read') h where h is not null)
);
create policy caller_adds on events for insert to switchyard_user
  with check (may(kind, 'create', workspace) or may(kind, 'update', workspace) or may(kind, 'delete', workspace));
create policy caller_counts on events for update to switchyard_user
  using (may(kind, 'create', workspace) or may(kind, 'update', workspace) or may(kind, 'delete', workspace))
  with check (may(kind, 'create', workspace) or may(kind, 'update', workspace) or may(kind, 'delete', workspace));
create policy control_all on events to switchyard_control using (true) with check (true);
create policy agent_reads on events for select to switchyard_agent using (true);
create policy agent_adds on events for insert to switchyard_agent with check (true);
create policy agent_counts on events for update to switchyard_agent using (true) with check (true);

grant select, insert, update on leases to switchyard_control, switchyard_agent;
create policy control_all on leases to switchyard_control, switchyard_agent using (true) with check (true);

-- Documents may stand already: what they grant is worked out once.
select grant_assignment(id) from resources where kind = 'RoleAssignment';
select expand_grants(null);
