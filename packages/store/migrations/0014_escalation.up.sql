-- Nobody becomes more than they are: what the API refuses is refused here too, whoever forgets to ask. A caller gives
-- no key, password or address what they do not hold, what comes with Switchyard is not changed, and the platform keeps
-- a person who may do everything.

-- The first permission of these patterns that the caller's own scopes leave out.
create function outside_scopes(granted jsonb) returns text
language sql stable set search_path = switchyard, pg_temp as $$
  select p.permission from permissions p
  where patterns(p.permission) && array(select jsonb_array_elements_text(granted))
    and not coalesce(patterns(p.permission) && scopes(), false)
  order by 1 limit 1
$$;

-- One's own key keeps what one presents; someone else's gives what one holds there.
create function check_key(key_owner text, key_scopes jsonb, at_workspace text) returns void
language plpgsql stable set search_path = switchyard, pg_temp as $$
declare
  lacking text;
begin
  if key_owner is distinct from principal() then
    perform check_grantable(key_scopes, at_workspace);
    return;
  end if;
  lacking := outside_scopes(key_scopes);
  if lacking is not null then
    raise exception using errcode = 'SY403',
      message = format('You cannot grant %s here, because the key that you use leaves it out.', lacking);
  end if;
end $$;

-- The first permission that this person holds and the caller does not; read whoever asks.
create function lacks_of(user_name text) returns text
language sql stable security definer set search_path = switchyard, pg_temp as $$
  select p.permission from grants g
  join permissions p on g.permission = any (patterns(p.permission))
  where g.principal = 'user:' || user_name and (g.expires_at is null or g.expires_at > now())
    and not holds(p.permission, g.workspace)
  order by 1 limit 1
$$;

-- Whoever sets another's password, or where their mail goes, can sign in as them.
create function check_account(user_name text) returns void
language plpgsql stable set search_path = switchyard, pg_temp as $$
declare
  lacking text;
begin
  if principal() = 'user:' || user_name then
    return;
  end if;
  lacking := lacks_of(user_name);
  if lacking is not null then
    raise exception using errcode = 'SY403',
      message = format('You cannot take over an account that holds %s, because you do not hold it.', lacking);
  end if;
end $$;

create function guard_rights() returns trigger
language plpgsql set search_path = switchyard, pg_temp as $$
declare
  builtin constant text[] := array['labels', 'switchyard.dev/builtin'];
begin
  if current_user <> 'switchyard_user' then
    return case tg_op when 'DELETE' then old else new end;
  end if;
  if 'true' in (old.metadata #>> builtin, new.metadata #>> builtin) and principal() is distinct from 'system:operator' then
    raise exception using errcode = 'SY403', message = 'What comes with Switchyard cannot be changed: copy it under another name.';
  end if;
  if tg_op = 'DELETE' then
    return old;
  end if;
  if new.kind = 'RoleAssignment' and role_permissions(new.spec ->> 'role', new.workspace) is null then
    raise exception using errcode = 'SY400', message = 'There is no such Role here.';
  elsif new.kind = 'ApiKey' then
    if tg_op = 'UPDATE' and new.spec -> 'owner' is distinct from old.spec -> 'owner' then
      raise exception using errcode = 'SY400', message = 'The owner of a key never changes.';
    end if;
    if tg_op = 'INSERT' or new.spec -> 'scopes' is distinct from old.spec -> 'scopes' then
      perform check_key(case new.spec #>> '{owner,kind}' when 'User' then 'user:'
        else 'serviceaccount:' || coalesce(new.workspace, '') || '/' end || (new.spec #>> '{owner,name}'),
        new.spec -> 'scopes', new.workspace);
    end if;
  elsif new.kind = 'User' and tg_op = 'UPDATE' and new.spec -> 'email' is distinct from old.spec -> 'email' then
    perform check_account(new.name);
  end if;
  return new;
end $$;
-- After guard_resource, in the order of their names.
create trigger guard_rights before insert or update or delete on resources
  for each row execute function guard_rights();

-- Whoever chooses the secret of a document becomes whom it speaks for.
create function guard_secret() returns trigger
language plpgsql set search_path = switchyard, pg_temp as $$
declare
  document resources;
begin
  if current_user <> 'switchyard_user' then
    return new;
  end if;
  select * into document from resources where id = new.resource_id;
  if document.kind = 'User' then
    perform check_account(document.name);
  elsif document.kind = 'ApiKey' then
    perform check_key(document.owner, document.spec -> 'scopes', document.workspace);
  end if;
  return new;
end $$;
create trigger guard_secret before insert or update on secret_hashes
  for each row execute function guard_secret();

-- Whether there is a person who may do everything, everywhere, and without an end to it.
create function has_admin() returns boolean
language sql stable security definer set search_path = switchyard, pg_temp as $$
  select exists (
    select from resources a
    join resources r on r.kind = 'Role' and r.place = '' and r.name = regexp_replace(a.spec ->> 'role', '^platform/', '')
    join resources u on u.kind = 'User' and u.place = '' and u.name = a.spec #>> '{subject,name}'
    where a.kind = 'RoleAssignment' and a.place = '' and a.spec #>> '{subject,kind}' = 'User'
      and a.spec ->> 'expiresAt' is null
      and r.spec -> 'permissions' ?| array['*', '*:*']
      and u.spec -> 'disabled' is distinct from 'true'::jsonb
      and num_nulls(a.deleted_at, r.deleted_at, u.deleted_at) = 3
  )
$$;

-- Whether has_admin may rest on this row.
create function bears_admin(r resources) returns boolean
language sql stable set search_path = switchyard, pg_temp as $$
  select r.deleted_at is null and r.place = '' and case r.kind
    when 'User' then r.spec -> 'disabled' is distinct from 'true'::jsonb
    when 'Role' then r.spec -> 'permissions' ?| array['*', '*:*']
    when 'RoleAssignment' then r.spec #>> '{subject,kind}' = 'User' and r.spec ->> 'expiresAt' is null
  end
$$;

-- Before the first administrator is made there is none to keep.
create table admin_state (
  single boolean primary key default true check (single),
  kept boolean not null
);
alter table admin_state enable row level security, force row level security;
create policy owner_all on admin_state to switchyard_owner using (true) with check (true);
insert into admin_state (kept) select has_admin();

-- Two who take each other's rights away wait here for one another, and the later one sees what the earlier did: not so
-- in a transaction that goes on looking at an older state, which may therefore take none away.
create function keep_admin() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  if tg_op <> 'DELETE' and bears_admin(new) then
    update admin_state set kept = true where not kept and has_admin();
    if tg_op = 'INSERT' or new.kind <> 'RoleAssignment' or new.spec = old.spec then
      return null;
    end if;
  end if;
  if tg_op = 'INSERT' or not bears_admin(old) then
    return null;
  end if;
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception using errcode = '40001', message = 'Rights are taken away in a transaction of read committed.';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('switchyard.admin', 0));
  if exists (select from admin_state where kept) and not has_admin() then
    raise exception using errcode = 'SYADM',
      message = 'This is the last administrator of the platform. Make another one first.';
  end if;
  return null;
end $$;
create trigger keep_admin after insert or update on resources
  for each row when (new.kind in ('User', 'Role', 'RoleAssignment')) execute function keep_admin();
create trigger keep_admin_gone after delete on resources
  for each row when (old.kind in ('User', 'Role', 'RoleAssignment')) execute function keep_admin();

revoke execute on function lacks_of(text), has_admin() from public;
grant execute on function lacks_of(text) to switchyard_user;
