-- Sign-in by outside providers: who is linked to whom, which groups they were said to be in, and what groups hold. A
-- group is a principal like a person, `group:PROVIDER/NAME`; whoever is in it holds what it holds, from the moment that
-- the membership is written.

-- A person as a provider knows them, told apart by issuer and subject alone.
create table identities (
  issuer text not null,
  subject text not null check (length(subject) between 1 and 255),
  user_id uuid not null references resources on delete cascade,
  user_name text not null,
  linked_at timestamptz not null default clock_timestamp(),
  primary key (issuer, subject),
  -- An address that went from one person to the next must not bring the account of the first along.
  unique (user_id, issuer)
);

-- As the provider said at the newest sign-in.
create table group_members (
  user_id uuid not null references resources on delete cascade,
  user_name text not null,
  provider text not null,
  group_name text not null check (length(group_name) between 1 and 256),
  principal text generated always as ('group:' || provider || '/' || group_name) stored,
  primary key (user_id, provider, group_name)
);
create index group_members_by_name on group_members (user_name);
create index group_members_by_principal on group_members (principal);
create index group_members_by_provider on group_members (provider);

-- One-time codes with which a program takes over the sign-in that a browser has made for it.
create table sign_in_codes (
  hash text primary key,
  user_id uuid not null references resources on delete cascade,
  user_name text not null,
  provider text not null,
  -- SHA-256 of what the program keeps to itself, base64url (RFC 7636).
  challenge text not null,
  expires_at timestamptz not null
);
create index sign_in_codes_by_end on sign_in_codes (expires_at);

do $$
declare
  t text;
begin
  foreach t in array array['identities', 'group_members', 'sign_in_codes'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy owner_all on %I to switchyard_owner using (true) with check (true)', t);
    execute format('create policy identity_all on %I to switchyard_identity using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on %I to switchyard_identity', t);
  end loop;
end $$;
grant select on group_members to switchyard_user, switchyard_secrets;
create policy caller_reads_own on group_members for select to switchyard_user
  using (user_name = (select substr(principal(), 6) where principal() like 'user:%'));
create policy secrets_read on group_members for select to switchyard_secrets using (true);

-- A principal and the groups that it is in. Names are qualified for the planner, as in reach.
create function principals_of(asked text) returns text[] language sql stable as $$
  select array[asked] || array(
    select m.principal from switchyard.group_members m where asked like 'user:%' and m.user_name = substr(asked, 6))
$$;
create function principals() returns text[] language sql stable as $$
  select switchyard.principals_of(switchyard.principal())
$$;

create or replace function reach(verb text) returns table (kind text, workspace text) language sql stable as $$
  select r.kind, coalesce(asked.only_workspace, r.workspace)
  from (select switchyard.only_workspace() offset 0) asked (only_workspace), switchyard.rights r
  where r.principal = any ((select switchyard.principals())::text[]) and r.verb = reach.verb
    and (r.expires_at is null or r.expires_at > now())
    and (asked.only_workspace is null or r.workspace is null or r.workspace = asked.only_workspace)
    and r.kind in (
      select k.kind from switchyard.kinds k where switchyard.scopes() && switchyard.patterns(k.noun || ':' || reach.verb)
    )
$$;

create or replace function held(permission text) returns setof text
language sql stable set search_path = switchyard, pg_temp as $$
  select distinct coalesce(only_workspace(), g.workspace)
  from grants g
  where g.principal = any ((select principals())::text[])
    and g.permission = any (patterns(held.permission))
    and (g.expires_at is null or g.expires_at > now())
    and (only_workspace() is null or g.workspace is null or g.workspace = only_workspace())
    and scopes() && patterns(held.permission)
$$;

create or replace function lacks_of(user_name text) returns text
language sql stable security definer set search_path = switchyard, pg_temp as $$
  select p.permission from grants g
  join permissions p on g.permission = any (patterns(p.permission))
  where g.principal = any ((select principals_of('user:' || lacks_of.user_name))::text[])
    and (g.expires_at is null or g.expires_at > now())
    and not holds(p.permission, g.workspace)
  order by 1 limit 1
$$;

alter policy caller_reads_own on grants using (principal = any ((select principals())::text[]));
alter policy caller_reads_own on rights using (principal = any ((select principals())::text[]));

create or replace function grant_assignment(assignment_id uuid) returns void
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
    case a.spec #>> '{subject,kind}'
      when 'User' then 'user:' || (a.spec #>> '{subject,name}')
      when 'Group' then 'group:' || (a.spec #>> '{subject,name}')
      else 'serviceaccount:' || a.place || '/' || (a.spec #>> '{subject,name}') end,
    a.workspace, p, (a.spec ->> 'expiresAt')::timestamptz
  from jsonb_array_elements_text(r.spec -> 'permissions') p;
  perform expand_grants(a.id);
end $$;

-- The roles that an IdentityProvider maps its groups to. Each mapping stands like an assignment of its own, under an id
-- that follows from what it says; `source` is the provider.
alter table grants add column source uuid;
create index grants_by_source on grants (source) where source is not null;

create function role_of_mapping(mapping jsonb) returns text language sql immutable as $$
  select regexp_replace(mapping ->> 'role', '^platform/', '')
$$;

create function grant_provider(provider_id uuid) returns void
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  p resources;
  mapping jsonb;
  mapped uuid;
begin
  select * into p from resources where id = provider_id and kind = 'IdentityProvider' and deleted_at is null;
  -- Every role first, so that nothing that another would wait for is written while we wait.
  perform from resources r
  where r.kind = 'Role' and r.place = ''
    and r.name in (select role_of_mapping(m) from jsonb_array_elements(p.spec -> 'groupRoles') m)
  order by r.name for share;
  delete from rights where assignment in (select assignment from grants where source = provider_id);
  delete from grants where source = provider_id;
  for mapping in select m from jsonb_array_elements(p.spec -> 'groupRoles') m loop
    mapped := md5(provider_id || mapping::text)::uuid;
    insert into grants (assignment, principal, workspace, permission, source)
    select distinct mapped, 'group:' || p.name || '/' || (mapping ->> 'group'), mapping ->> 'workspace', permission, p.id
    from resources r, jsonb_array_elements_text(r.spec -> 'permissions') permission
    where r.kind = 'Role' and r.place = '' and r.name = role_of_mapping(mapping) and r.deleted_at is null
    on conflict do nothing;
    perform expand_grants(mapped);
  end loop;
end $$;

create function keep_provider_grants() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  changed resources := coalesce(new, old);
begin
  if changed.kind = 'IdentityProvider' then
    perform grant_provider(changed.id);
    if tg_op = 'DELETE' then
      -- Whom it vouched for is known no more, and what they have open by it ends.
      delete from group_members where provider = changed.name;
      update sessions set ended_at = clock_timestamp() where provider = changed.name and ended_at is null;
    end if;
  else
    perform grant_provider(p.id) from resources p
    where p.kind = 'IdentityProvider' and exists (
      select from jsonb_array_elements(p.spec -> 'groupRoles') m where role_of_mapping(m) = changed.name);
  end if;
  return null;
end $$;
create trigger keep_provider_insert after insert on resources
  for each row when (new.kind in ('Role', 'IdentityProvider')) execute function keep_provider_grants();
create trigger keep_provider_update after update on resources
  for each row when (new.kind in ('Role', 'IdentityProvider')
    and (old.spec is distinct from new.spec or old.deleted_at is distinct from new.deleted_at))
  execute function keep_provider_grants();
create trigger keep_provider_delete after delete on resources
  for each row when (old.kind in ('Role', 'IdentityProvider')) execute function keep_provider_grants();

-- Nobody maps a group to what they do not hold where it is given. After guard_resource, in the order of their names.
create function guard_provider() returns trigger
language plpgsql set search_path = switchyard, pg_temp as $$
declare
  mapping jsonb;
begin
  if current_user = 'switchyard_user' and (tg_op = 'INSERT' or new.spec is distinct from old.spec) then
    for mapping in select m from jsonb_array_elements(new.spec -> 'groupRoles') m loop
      if role_permissions('platform/' || role_of_mapping(mapping), null) is null then
        raise exception using errcode = 'SY400', message = 'There is no such Role on the platform.';
      end if;
      perform check_grantable(role_permissions('platform/' || role_of_mapping(mapping), null), mapping ->> 'workspace');
    end loop;
  end if;
  return new;
end $$;
create trigger guard_resource_provider before insert or update on resources
  for each row when (new.kind = 'IdentityProvider') execute function guard_provider();

revoke execute on function grant_provider(uuid), keep_provider_grants() from public;

-- The trail tells whom a provider's subject was linked to.
create function audit_identity() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  perform audit(null, 'identity.link', jsonb_build_object('kind', 'User', 'name', new.user_name, 'uid', new.user_id),
    jsonb_build_object('actor', 'user:' || new.user_name, 'after', jsonb_build_object('issuer', new.issuer, 'subject', new.subject)));
  return null;
end $$;
create trigger audit_identity after insert on identities for each row execute function audit_identity();
revoke execute on function audit_identity() from public;
