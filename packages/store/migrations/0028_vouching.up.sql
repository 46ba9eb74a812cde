-- An outside provider of identities may speak for every account whose address is in its domains: whoever says who it is
-- can sign in as them, and so must hold what they hold.

-- The first permission that somebody in these domains holds and the caller does not; read whoever asks. For who holds
-- everything nobody is looked at.
create function vouched_beyond(domains jsonb) returns text
language sql stable security definer set search_path = switchyard, pg_temp as $$
  select l.lacking from resources u, lateral (select lacks_of(u.name) as lacking) l
  where exists (select from permissions p where not holds(p.permission, null))
    and u.kind = 'User' and split_part(lower(u.spec ->> 'email'), '@', 2) in (
      select lower(d) from jsonb_array_elements_text(domains) d)
    and l.lacking is not null
  limit 1
$$;

create function guard_vouching() returns trigger
language plpgsql set search_path = switchyard, pg_temp as $$
declare
  -- What says neither who the provider is nor what is believed of it.
  beside constant text[] := array['groupRoles', 'provision', 'scopes'];
  lacking text;
begin
  if current_user <> 'switchyard_user' or (tg_op = 'UPDATE' and new.spec - beside = old.spec - beside) then
    return new;
  end if;
  lacking := vouched_beyond(new.spec -> 'allowedDomains');
  if lacking is not null then
    raise exception using errcode = 'SYGNT', message = format(
      'The provider could speak for an account that holds %s, which you do not hold: leave its domain out of spec.allowedDomains.', lacking);
  end if;
  return new;
end $$;
-- After guard_resource, in the order of their names.
create trigger guard_vouching before insert or update on resources
  for each row when (new.kind = 'IdentityProvider') execute function guard_vouching();

revoke execute on function vouched_beyond(jsonb) from public;
grant execute on function vouched_beyond(jsonb) to switchyard_user;
