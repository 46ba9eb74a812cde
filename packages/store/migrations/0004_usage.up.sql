-- Usage events as they arrived from the gateways' journals: append-only facts with real columns. One row for
-- each (workspace, source, id), whatever is sent twice; what cannot be used waits in quarantine.

create table usage_events (
  workspace text not null check (workspace ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  source text not null,
  id text not null,
  -- SHA-256 of the canonical JSON (RFC 8785) of type, subject, time and data.
  body_hash bytea not null check (length(body_hash) = 32),
  time timestamptz not null,
  ended_at timestamptz not null,
  received_at timestamptz not null default clock_timestamp(),
  project text,
  key text not null,
  key_name text not null,
  model text not null,
  endpoint text not null,
  upstream text not null,
  request uuid not null,
  operation text not null,
  billable text not null check (billable in ('caller', 'cost')),
  streamed boolean not null,
  end_reason text not null check (end_reason in (
    'done', 'client_gone', 'caller_deadline', 'upstream_error', 'our_timeout', 'refused', 'drained', 'gateway_lost')),
  status integer not null check (status between 0 and 999),
  usage_source text not null check (usage_source in ('provider', 'engine', 'counted', 'estimated', 'none')),
  flags text[] not null,
  -- Quantities: disjoint, absent is null.
  tok_in_uncached bigint check (tok_in_uncached >= 0),
  tok_in_cache_read bigint check (tok_in_cache_read >= 0),
  tok_in_cache_read_audio bigint check (tok_in_cache_read_audio >= 0),
  tok_in_cache_write_5m bigint check (tok_in_cache_write_5m >= 0),
  tok_in_cache_write_1h bigint check (tok_in_cache_write_1h >= 0),
  tok_in_image bigint check (tok_in_image >= 0),
  tok_in_audio bigint check (tok_in_audio >= 0),
  tok_in_video bigint check (tok_in_video >= 0),
  tok_out_text bigint check (tok_out_text >= 0),
  tok_out_reasoning bigint check (tok_out_reasoning >= 0),
  tok_out_audio bigint check (tok_out_audio >= 0),
  tok_out_image bigint check (tok_out_image >= 0),
  primary key (workspace, source, id)
);
create index usage_events_by_time on usage_events (workspace, time);

create table usage_quarantine (
  number bigint generated always as identity primary key,
  -- Name as the event claimed it; null when it had none.
  workspace text,
  reason text not null check (reason in (
    'conflict', 'bad_schema', 'unknown_unit', 'negative', 'too_old', 'future', 'poison')),
  raw bytea not null,
  body_hash bytea not null,
  seen_at timestamptz not null default clock_timestamp(),
  resolved_at timestamptz,
  resolution text,
  -- The same bad event sent again is the same row.
  unique nulls not distinct (workspace, reason, body_hash)
);

alter table usage_events enable row level security, force row level security;
alter table usage_quarantine enable row level security, force row level security;
create policy owner_all on usage_events to switchyard_owner using (true) with check (true);
create policy owner_all on usage_quarantine to switchyard_owner using (true) with check (true);

-- Facts: nobody but the owner may update or delete them.
grant select, insert on usage_events, usage_quarantine to switchyard_ingest;
create policy ingest_reads on usage_events for select to switchyard_ingest using (true);
create policy ingest_adds on usage_events for insert to switchyard_ingest with check (true);
create policy ingest_reads on usage_quarantine for select to switchyard_ingest using (true);
create policy ingest_adds on usage_quarantine for insert to switchyard_ingest with check (true);

grant select on usage_events, usage_quarantine to switchyard_user, switchyard_control;
create policy caller_reads on usage_events for select to switchyard_user using (
  (select holds('usage:read', null)) or workspace in (select h from held('usage:read') h where h is not null)
);
create policy caller_reads on usage_quarantine for select to switchyard_user using (
  (select holds('usage:read', null)) or workspace in (select h from held('usage:read') h where h is not null)
);
create policy control_reads on usage_events for select to switchyard_control using (true);
create policy control_reads on usage_quarantine for select to switchyard_control using (true);
