-- What signing in remembers. Read and written by the role switchyard_identity alone; every secret is a hash.

create table signing_keys (
  kid text primary key,
  private_jwk text not null,
  public_jwk text not null,
  created_at timestamptz not null,
  retired_at timestamptz
);

create table sessions (
  id text primary key,
  user_name text not null,
  created_at timestamptz not null default clock_timestamp(),
  ends_at timestamptz not null,
  ended_at timestamptz
);
create index sessions_by_user on sessions (user_name);
create index sessions_by_end on sessions (ends_at);

-- The tokens of one session are a family: each is used once, and a second use ends the session.
create table refresh_tokens (
  hash text primary key,
  session_id text not null references sessions on delete cascade,
  issued_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  used_at timestamptz
);
create index refresh_tokens_by_session on refresh_tokens (session_id);

create table setup_links (
  hash text primary key,
  expires_at timestamptz not null
);

create table operator_token (
  single boolean primary key default true check (single),
  hash text not null
);

create table login_failures (
  subject text primary key,
  count integer not null check (count > 0),
  last_at timestamptz not null
);
create index login_failures_by_time on login_failures (last_at);

do $$
declare
  t text;
begin
  foreach t in array array['signing_keys', 'sessions', 'refresh_tokens', 'setup_links', 'operator_token', 'login_failures'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy owner_all on %I to switchyard_owner using (true) with check (true)', t);
    execute format('create policy identity_all on %I to switchyard_identity using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on %I to switchyard_identity', t);
  end loop;
end $$;
