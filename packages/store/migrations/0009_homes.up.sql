-- Holds a workspace until commit for whoever writes into it, also for one who may not read it: 'standing', 'leaving',
-- or null when there is none. What was read before the lock says nothing once the lock was waited for.
create function hold_workspace(workspace_name text) returns text
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  state text;
begin
  select case when deleted_at is null then 'standing' else 'leaving' end into state
  from resources where kind = 'Workspace' and place = '' and name = workspace_name for share;
  return state;
end $$;

revoke execute on function hold_workspace(text) from public;
grant execute on function hold_workspace(text) to switchyard_user, switchyard_control, switchyard_agent;
