-- Usage events are taken in batches with numbers without gaps. A batch that is closed never gains an event, so that what
-- an invoice counts is said by one number, which stands in the rows and so survives a dump and a restore.

create table usage_batches (
  number bigint primary key check (number > 0),
  opened_at timestamptz not null default clock_timestamp(),
  -- From then on it gains no event.
  closed_at timestamptz,
  -- How many events it has, and the Merkle root (RFC 6962) over their `body_hash`, by workspace, source and id as bytes.
  events bigint check (events > 0),
  root bytea check (length(root) = 32),
  sealed_at timestamptz,
  check (num_nulls(events, root, sealed_at) in (0, 3)),
  check (sealed_at is null or closed_at is not null)
);
-- One is open.
create unique index usage_batches_open on usage_batches ((true)) where closed_at is null;
create index usage_batches_unsealed on usage_batches (number) where sealed_at is null;

-- Events that are there already: batches end where an invoice counted up to, and after 10,000 events.
alter table usage_events add column batch bigint;
with placed as (
  select workspace, source, id, span, row_number() over (
      partition by span order by taken_in, workspace collate "C", source collate "C", id collate "C") as place
  from (select e.workspace, e.source, e.id, e.taken_in,
      (select count(distinct i.cutoff) from invoices i where i.cutoff < e.taken_in::text::bigint) as span
    from usage_events e) e
), numbered as (
  select workspace, source, id, dense_rank() over (order by span, (place - 1) / 10000) as number from placed
)
update usage_events e set batch = n.number from numbered n
where (e.workspace, e.source, e.id) = (n.workspace, n.source, n.id);
insert into usage_batches (number, opened_at, closed_at)
  select batch, min(received_at), clock_timestamp() from usage_events group by batch;
insert into usage_batches (number) select coalesce(max(number), 0) + 1 from usage_batches;

-- What was issued says the transaction up to which it counted; beside it stands now the batch that ends there.
alter table invoices disable trigger keep_invoice;
update invoices i set cutoff = (
  select coalesce(max(e.batch), 0) from usage_events e where e.taken_in::text::bigint <= i.cutoff)
where i.cutoff is not null;
alter table invoices enable trigger keep_invoice;
alter table usage_events drop column taken_in;

-- The number of the open batch, which stays open until the transaction has ended: whoever closes it waits for all that
-- hold this lock. A transaction that does nothing meanwhile does not hold that up for longer than 5 seconds.
create function open_usage_batch() returns bigint
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  perform set_config('idle_in_transaction_session_timeout', '5s', true);
  perform pg_advisory_xact_lock_shared(hashtextextended('switchyard.batch', 0));
  -- Of its own snapshot, which sees what was closed while it waited.
  return (select number from usage_batches where closed_at is null);
end $$;

-- Closes the open batch when it has an event, and opens the next; its number, or null. Whoever takes events waits
-- meanwhile, so it gives up after 200 ms (55P03) when one of them takes longer.
create function close_usage_batch() returns bigint
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  patience text := current_setting('lock_timeout');
  standing bigint := (select number from usage_batches where closed_at is null);
begin
  if not exists (select from usage_events where batch = standing) then
    return null;
  end if;
  perform set_config('lock_timeout', '200ms', true);
  perform pg_advisory_xact_lock(hashtextextended('switchyard.batch', 0));
  perform set_config('lock_timeout', patience, true);
  update usage_batches set closed_at = clock_timestamp() where number = standing and closed_at is null;
  if not found then
    return null;
  end if;
  insert into usage_batches (number) values (standing + 1);
  return standing;
end $$;

create function keep_batch() returns trigger
language plpgsql set search_path = switchyard, pg_temp as $$
begin
  if tg_op = 'UPDATE' then
    if (new.number, new.opened_at) = (old.number, old.opened_at)
      and (old.closed_at is null or new.closed_at = old.closed_at)
      and (old.sealed_at is null or (new.events, new.root, new.sealed_at) = (old.events, old.root, old.sealed_at)) then
      return new;
    end if;
  end if;
  raise exception using errcode = 'SY403', message = 'A batch of usage that is closed or sealed never changes.';
end $$;
create trigger keep_batch before update or delete on usage_batches for each row execute function keep_batch();
create trigger keep_batches before truncate on usage_batches for each statement execute function keep_batch();

alter table usage_events alter column batch set default open_usage_batch(), alter column batch set not null;
create index usage_events_by_batch on usage_events (batch);
-- Asked once for each statement: no event comes into any batch but the open one.
drop policy ingest_adds on usage_events;
create policy ingest_adds on usage_events for insert to switchyard_ingest
  with check (batch = (select open_usage_batch()));

alter table usage_batches enable row level security, force row level security;
create policy owner_all on usage_batches to switchyard_owner using (true) with check (true);
create policy seal_reads on usage_batches for select to switchyard_seal using (true);
create policy seal_seals on usage_batches for update to switchyard_seal using (true) with check (true);
create policy seal_reads on usage_events for select to switchyard_seal using (true);
create policy invoice_reads on usage_batches for select to switchyard_invoice using (true);
create policy doctor_reads on usage_batches for select to switchyard_doctor using (true);

-- The server's own hand of sealing.
grant usage on schema switchyard to switchyard_seal;
grant select, update (events, root, sealed_at) on usage_batches to switchyard_seal;
grant select on usage_events to switchyard_seal;
grant select on usage_batches to switchyard_invoice, switchyard_doctor;
revoke execute on function open_usage_batch(), close_usage_batch() from public;
grant execute on function open_usage_batch() to switchyard_ingest;
grant execute on function close_usage_batch() to switchyard_seal, switchyard_invoice;
