-- The trail of who did what. An entry is written in the transaction of what it tells, by triggers where there is a row
-- to hang them on, so that nothing commits without it; the sequencer numbers it and puts it into a Merkle tree.

create table audit_pending (
  -- In order of arrival, which is not the order of commits.
  n bigint generated always as identity primary key,
  entry jsonb not null
);

create table audit_log (
  seq bigint primary key check (seq >= 0),
  -- null is the platform.
  workspace text,
  workspace_seq bigint not null check (workspace_seq >= 0),
  id uuid not null,
  time timestamptz not null,
  sequenced_at timestamptz not null,
  actor text not null,
  action text not null,
  outcome text not null check (outcome in ('success', 'denied', 'failed')),
  kind text,
  name text,
  -- SHA-256 of a zero byte and the entry: RFC 6962.
  leaf bytea not null check (length(leaf) = 32),
  -- Canonical JSON (RFC 8785).
  entry text not null check (octet_length(entry) <= 65535)
);
create unique index audit_log_by_workspace on audit_log (workspace, workspace_seq) nulls not distinct;
create index audit_log_by_time on audit_log (time);
create index audit_log_by_actor on audit_log (actor, seq);
create index audit_log_by_resource on audit_log (kind, name, seq);

-- The state of the log: nothing of it is kept in a process.
create table audit_head (
  single boolean primary key default true check (single),
  -- Of the newest sequencer: an older one changes nothing any more.
  epoch bigint not null default 0,
  size bigint not null default 0 check (size >= 0),
  sequenced_at timestamptz not null default '-infinity',
  -- Entries before it stand in the archive.
  archived bigint not null default 0 check (archived <= size),
  -- Entries before it are only there.
  pruned bigint not null default 0 check (pruned <= archived)
);
insert into audit_head default values;

-- How many entries each workspace has; '' is the platform.
create table audit_counts (
  place text primary key,
  size bigint not null check (size > 0)
);

-- Hashes of the tree, 256 to a tile; the last of each level may hold fewer.
create table audit_tiles (
  level smallint not null check (level between 0 and 7),
  n bigint not null check (n >= 0),
  hashes bytea not null check (length(hashes) between 32 and 8192 and length(hashes) % 32 = 0),
  primary key (level, n)
);
alter table audit_tiles alter column hashes set storage external;

create table audit_checkpoints (
  size bigint primary key check (size > 0),
  note text not null,
  at timestamptz not null default clock_timestamp()
);

do $$
declare
  t text;
begin
  foreach t in array array['audit_pending', 'audit_log', 'audit_head', 'audit_counts', 'audit_tiles', 'audit_checkpoints'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy owner_all on %I to switchyard_owner using (true) with check (true)', t);
    execute format('create policy audit_all on %I to switchyard_audit using (true) with check (true)', t);
    execute format('grant select on %I to switchyard_audit', t);
  end loop;
end $$;
grant usage on schema switchyard to switchyard_audit;
-- The sequencer adds to the log. Nobody changes an entry or takes one away.
grant delete on audit_pending to switchyard_audit;
grant insert on audit_log, audit_checkpoints, audit_tiles, audit_counts to switchyard_audit;
grant update (size) on audit_counts to switchyard_audit;
grant update (hashes) on audit_tiles to switchyard_audit;
grant update (epoch, size, sequenced_at, archived) on audit_head to switchyard_audit;

grant select on audit_log to switchyard_user;
create policy caller_reads on audit_log for select to switchyard_user using (
  (select holds('audit:read', null)) or workspace in (select h from held('audit:read') h where h is not null)
);

-- One entry, by whoever the transaction works for. What is told in `more`: outcome, code, reason, rule, count,
-- documents, before, after, diff; and actor, which a caller cannot say.
create function audit(at_workspace text, action text, resource jsonb, more jsonb) returns void
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  writer text := replace(current_setting('role'), 'switchyard_', '');
  origin jsonb := coalesce(nullif(current_setting('switchyard.origin', true), ''), '{}')::jsonb;
  told text := case when writer = 'user' then coalesce(principal(), 'system:nobody') else more ->> 'actor' end;
  who text := coalesce(told, 'system:' || writer);
begin
  insert into audit_pending (entry) values (jsonb_build_object(
    'id', gen_random_uuid(),
    'time', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'workspace', at_workspace,
    'action', action,
    'actor', jsonb_strip_nulls(jsonb_build_object(
      'type', split_part(who, ':', 1),
      'id', who,
      'name', substr(who, strpos(who, ':') + 1),
      'method', coalesce(origin ->> 'method', 'server'),
      'credential', origin ->> 'credential',
      'on_behalf_of', case when told is null then origin ->> 'principal' end)),
    'resource', resource,
    'outcome', coalesce(more ->> 'outcome', 'success'),
    'origin', jsonb_strip_nulls(jsonb_build_object(
      'ip', origin ->> 'address', 'agent', origin ->> 'agent', 'request', origin ->> 'request', 'trace', origin ->> 'trace')),
    'rule', coalesce(more ->> 'rule', origin ->> 'rule')
  ) || (more - array['actor', 'outcome', 'rule']));
end $$;

create function audit_change() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  writer text := replace(current_setting('role'), 'switchyard_', '');
  origin jsonb := coalesce(nullif(current_setting('switchyard.origin', true), ''), '{}')::jsonb;
  personal boolean := writer = 'user' or origin ? 'principal';
  noun text;
  action text;
  stage text;
  -- What every write changes says nothing. What control keeps for itself is no act of anyone.
  noise text[] := array['resourceVersion', 'updateTimestamp', 'updatedBy', 'generation']
    || case when personal then '{}' else array['finalizers', 'ownerReferences'] end;
  before jsonb := new.before;
  after jsonb := case when new.type <> 'DELETED' then new.document end;
begin
  -- A status that the server writes for itself, as it does all the time, is no change of what is wanted.
  if new.type = 'MODIFIED' and not personal
    and before -> 'spec' = after -> 'spec'
    and (before -> 'metadata') - noise = (after -> 'metadata') - noise then
    return null;
  end if;
  select k.noun into noun from kinds k where k.kind = new.kind;
  action := case new.type when 'ADDED' then noun || '.create' when 'DELETED' then noun || '.delete' else noun || '.update' end;
  if new.type = 'MODIFIED' then
    if not before -> 'metadata' ? 'deletionTimestamp' and after -> 'metadata' ? 'deletionTimestamp' then
      action := noun || '.delete';
      stage := 'received';
    elsif origin ->> 'action' like noun || '.%' then
      action := origin ->> 'action';
    end if;
  elsif new.type = 'DELETED' and before -> 'metadata' ? 'deletionTimestamp' then
    stage := 'completed';
  end if;
  perform audit(new.workspace, action,
    jsonb_build_object('kind', new.kind, 'name', new.name, 'uid', new.id, 'version', new.version::text),
    jsonb_strip_nulls(jsonb_build_object('reason', stage))
      || case when before is null then '{}' else jsonb_build_object('before', audited(before, noise, personal)) end
      || case when after is null then '{}' else jsonb_build_object('after', audited(after, noise, personal)) end);
  return null;
end $$;

-- What an entry tells of a document: its status only where a person's write changed it.
create function audited(document jsonb, noise text[], personal boolean) returns jsonb language sql immutable as $$
  select jsonb_build_object('metadata', (document -> 'metadata') - noise, 'spec', document -> 'spec')
    || case when personal then jsonb_build_object('status', document -> 'status') else '{}' end
$$;

-- The log of changes has one row for each document that a commit changed, with both of its states.
create trigger audit_change after insert on changes for each row execute function audit_change();

create function audit_secret() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  r resources;
begin
  select * into r from resources where id = new.resource_id;
  perform audit(r.workspace, k.noun || '.secret_write',
    jsonb_build_object('kind', r.kind, 'name', r.name, 'uid', r.id),
    jsonb_build_object('diff', jsonb_build_array(
      jsonb_build_object('op', 'replace', 'path', '/secrets/' || new.field, 'value', '[redacted]'))))
  from kinds k where k.kind = r.kind;
  return null;
end $$;
create trigger audit_secret after insert on secret_hashes for each row execute function audit_secret();
create trigger audit_secret after insert on sealed_secrets for each row execute function audit_secret();

-- Called in the transaction that reads them: who unseals tells so first. One entry for each workspace, with names.
create function audit_unsealed(sealed_kind text, purpose text) returns void
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  perform audit(held.workspace, k.noun || '.unseal', jsonb_build_object('kind', sealed_kind),
    jsonb_build_object('reason', purpose, 'count', held.documents, 'documents', held.names))
  from (
    select r.workspace, count(*) as documents, jsonb_path_query_array(jsonb_agg(r.name order by r.name), '$[0 to 99]') as names
    from resources r
    where r.kind = sealed_kind and exists (select from sealed_secrets s where s.resource_id = r.id)
    group by r.workspace
  ) held join kinds k on k.kind = sealed_kind;
end $$;

create function audit_session() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  origin jsonb := coalesce(nullif(current_setting('switchyard.origin', true), ''), '{}')::jsonb;
  resource jsonb := jsonb_build_object('kind', 'Session', 'name', new.id);
begin
  if tg_op = 'INSERT' then
    perform audit(null, 'session.create', resource, jsonb_build_object('actor', 'user:' || new.user_name));
  else
    perform audit(null, 'session.end', resource,
      jsonb_build_object(
        'actor', coalesce(origin ->> 'principal', 'user:' || new.user_name),
        'subject', 'user:' || new.user_name,
        'reason', case origin ->> 'action'
          when 'session.end' then 'signed_out' when 'session.refresh' then 'token_reused' else 'revoked' end));
  end if;
  return null;
end $$;
create trigger audit_opened after insert on sessions for each row execute function audit_session();
create trigger audit_ended after update on sessions
  for each row when (old.ended_at is null and new.ended_at is not null) execute function audit_session();

create function audit_server_key() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  perform audit(null, case tg_table_name when 'signing_keys' then 'signing_key.' else 'operator_token.' end
      || case tg_op when 'INSERT' then 'create' else 'rotate' end,
    jsonb_strip_nulls(jsonb_build_object(
      'kind', case tg_table_name when 'signing_keys' then 'SigningKey' else 'OperatorToken' end,
      'name', to_jsonb(new) ->> 'kid')), '{}');
  return null;
end $$;
create trigger audit_server_key after insert or update on signing_keys for each row execute function audit_server_key();
create trigger audit_server_key after insert or update on operator_token for each row execute function audit_server_key();

-- Entries that the archive holds, older than so many days, leave the database; the hashes of them stay.
create function audit_prune(keep_days integer) returns bigint
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  through bigint;
  gone bigint;
begin
  select h.archived into through from audit_head h for update;
  select coalesce(min(l.seq), through) into through from audit_log l
    where l.sequenced_at >= clock_timestamp() - make_interval(days => keep_days) or l.seq >= through;
  delete from audit_log where seq < through;
  get diagnostics gone = row_count;
  update audit_head set pruned = greatest(pruned, through) where gone > 0;
  return gone;
end $$;

revoke execute on function audit(text, text, jsonb, jsonb), audit_change(), audit_secret(), audit_unsealed(text, text),
  audit_session(), audit_server_key(), audit_prune(integer) from public;
grant execute on function audit(text, text, jsonb, jsonb) to switchyard_user, switchyard_control, switchyard_agent,
  switchyard_gateway, switchyard_secrets, switchyard_identity, switchyard_ingest, switchyard_audit;
grant execute on function audit_unsealed(text, text) to switchyard_secrets;
grant execute on function audit_prune(integer) to switchyard_audit;
