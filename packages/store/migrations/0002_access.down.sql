do $$
declare
  p record;
begin
  for p in select policyname, tablename from pg_policies where schemaname = 'switchyard' loop
    execute format('drop policy %I on %I', p.policyname, p.tablename);
  end loop;
end $$;
alter table kinds no force row level security, disable row level security;
alter table resources no force row level security, disable row level security;
alter table refs no force row level security, disable row level security;
alter table changes no force row level security, disable row level security;
alter table log_state no force row level security, disable row level security;
alter table secret_hashes no force row level security, disable row level security;
alter table events no force row level security, disable row level security;
alter table leases no force row level security, disable row level security;
revoke all on all tables in schema switchyard from switchyard_user, switchyard_control, switchyard_agent,
  switchyard_gateway, switchyard_secrets, switchyard_identity, switchyard_ingest;
revoke all on all functions in schema switchyard from switchyard_user, switchyard_control, switchyard_agent,
  switchyard_gateway, switchyard_secrets, switchyard_identity, switchyard_ingest;
revoke usage on schema switchyard from switchyard_user, switchyard_control, switchyard_agent,
  switchyard_gateway, switchyard_secrets, switchyard_identity, switchyard_ingest;
drop trigger guard_resource on resources;
drop trigger keep_grants_insert on resources;
drop trigger keep_grants_update on resources;
drop trigger keep_grants_delete on resources;
drop function guard_resource(), check_grantable(jsonb, text), role_permissions(text, text), keep_grants(), grant_assignment(uuid), expand_grants(uuid), visible(text, text, text, jsonb),
  shared(text, jsonb), holds(text, text), held(text), may(text, text, text), reach(text), patterns(text),
  only_workspace(), scopes(), principal();
drop table rights, grants, permissions;
