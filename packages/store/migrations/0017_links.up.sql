-- Who is invited, who may set a new password by a link, and what a person wants to know of an open session. Like all
-- that signing in remembers: for the role switchyard_identity alone, and links as hashes.

alter table sessions
  add column method text not null default 'password' check (method in ('password', 'link', 'sso')),
  -- Of the IdentityProvider that vouched for it.
  add column provider text,
  add column seen_at timestamptz not null default clock_timestamp(),
  add column address text,
  add column client text check (length(client) <= 256);

-- What an inviter has promised: it is done in their name, with what they hold then, when the link is spent.
create table invitations (
  id uuid primary key,
  hash text not null unique,
  -- One e-mail has one invitation: a new one replaces the old.
  email text not null unique check (email = lower(email)),
  display_name text,
  -- [{role, workspace}]; a workspace of null is everywhere.
  roles jsonb not null check (jsonb_typeof(roles) = 'array'),
  invited_by text not null,
  -- What narrowed the inviter's rights when they invited.
  scopes text[] not null,
  only_workspace text,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null
);
create index invitations_by_end on invitations (expires_at);

create table password_resets (
  -- One person has one link: a new one replaces the old.
  user_id uuid primary key references resources on delete cascade,
  user_name text not null,
  hash text not null unique,
  made_by text not null,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null
);
create index password_resets_by_end on password_resets (expires_at);

do $$
declare
  t text;
begin
  foreach t in array array['invitations', 'password_resets'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy owner_all on %I to switchyard_owner using (true) with check (true)', t);
    execute format('create policy identity_all on %I to switchyard_identity using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on %I to switchyard_identity', t);
  end loop;
end $$;

-- The trail tells of every link that is made and of how it ends, but not of one that only ran out.
create function audit_link() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  origin jsonb := coalesce(nullif(current_setting('switchyard.origin', true), ''), '{}')::jsonb;
  link jsonb := to_jsonb(coalesce(new, old));
  noun text := case tg_table_name when 'invitations' then 'invitation' else 'password_reset' end;
  action text := case
    when origin ->> 'action' = 'invitation.accept' and tg_op <> 'DELETE' then 'invitation.restore'
    when tg_op <> 'DELETE' then noun || '.create'
    else origin ->> 'action'
  end;
begin
  if action is null or action not like noun || '.%' then
    return null;
  end if;
  perform audit(null, action,
    jsonb_build_object('kind', case noun when 'invitation' then 'Invitation' else 'PasswordReset' end,
      'name', coalesce(link ->> 'email', link ->> 'user_name'), 'uid', coalesce(link ->> 'id', link ->> 'user_id')),
    jsonb_strip_nulls(jsonb_build_object(
      'actor', coalesce(origin ->> 'principal', case when tg_op = 'DELETE' then 'system:link' else coalesce(link ->> 'invited_by', link ->> 'made_by') end),
      'subject', coalesce('email:' || (link ->> 'email'), 'user:' || (link ->> 'user_name')),
      'after', case when tg_op <> 'DELETE' then link -> 'roles' end)));
  return null;
end $$;
create trigger audit_link after insert or update or delete on invitations for each row execute function audit_link();
create trigger audit_link after insert or update or delete on password_resets for each row execute function audit_link();
revoke execute on function audit_link() from public;
