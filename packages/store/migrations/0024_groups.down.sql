drop trigger audit_identity on identities;
drop function audit_identity();
drop trigger guard_resource_provider on resources;
drop function guard_provider();
drop trigger keep_provider_insert on resources;
drop trigger keep_provider_update on resources;
drop trigger keep_provider_delete on resources;
drop function keep_provider_grants();
drop function grant_provider(uuid);
drop function role_of_mapping(jsonb);
delete from rights where assignment in (select assignment from grants where source is not null or principal like 'group:%');
delete from grants where source is not null or principal like 'group:%';
alter table grants drop column source;

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
    case when a.spec #>> '{subject,kind}' = 'User' then 'user:' || (a.spec #>> '{subject,name}')
      else 'serviceaccount:' || a.place || '/' || (a.spec #>> '{subject,name}') end,
    a.workspace, p, (a.spec ->> 'expiresAt')::timestamptz
  from jsonb_array_elements_text(r.spec -> 'permissions') p;
  perform expand_grants(a.id);
end $$;

alter policy caller_reads_own on grants using (principal = (select principal()));
alter policy caller_reads_own on rights using (principal = (select principal()));

create or replace function lacks_of(user_name text) returns text
language sql stable security definer set search_path = switchyard, pg_temp as $$
  select p.permission from grants g
  join permissions p on g.permission = any (patterns(p.permission))
  where g.principal = 'user:' || user_name and (g.expires_at is null or g.expires_at > now())
    and not holds(p.permission, g.workspace)
  order by 1 limit 1
$$;

create or replace function held(permission text) returns setof text
language sql stable set search_path = switchyard, pg_temp as $$
  select distinct coalesce(only_workspace(), g.workspace)
  from grants g
  where g.principal = principal()
    and g.permission = any (patterns(held.permission))
    and (g.expires_at is null or g.expires_at > now())
    and (only_workspace() is null or g.workspace is null or g.workspace = only_workspace())
    and scopes() && patterns(held.permission)
$$;

create or replace function reach(verb text) returns table (kind text, workspace text) language sql stable as $$
  select r.kind, coalesce(asked.only_workspace, r.workspace)
  from (select switchyard.only_workspace() offset 0) asked (only_workspace), switchyard.rights r
  where r.principal = switchyard.principal() and r.verb = reach.verb
    and (r.expires_at is null or r.expires_at > now())
    and (asked.only_workspace is null or r.workspace is null or r.workspace = asked.only_workspace)
    and r.kind in (
      select k.kind from switchyard.kinds k where switchyard.scopes() && switchyard.patterns(k.noun || ':' || reach.verb)
    )
$$;

drop function principals();
drop function principals_of(text);
drop table sign_in_codes;
drop table group_members;
drop table identities;
