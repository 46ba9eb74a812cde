-- Sealed batches and issued documents are written to an archive outside of the database; when stands beside each.

alter table usage_batches add column archived_at timestamptz check (archived_at is null or sealed_at is not null);
create index usage_batches_unarchived on usage_batches (number) where archived_at is null;
grant update (archived_at) on usage_batches to switchyard_seal;

alter table invoices add column archived_at timestamptz check (archived_at is null or number is not null);
create index invoices_unarchived on invoices (turn) where number is not null and archived_at is null;

create or replace function keep_invoice() returns trigger
language plpgsql set search_path = switchyard, pg_temp as $$
begin
  if tg_op = 'DELETE' then
    if old.number is not null then
      raise exception using errcode = 'SY403', message = 'What was issued is never removed: write a credit note.';
    end if;
    return old;
  end if;
  if new.state <> old.state and not may_become(old.state, new.state) then
    raise exception using errcode = 'SY409', message = format('An invoice that is %s does not become %s.', old.state, new.state);
  end if;
  if old.number is not null and to_jsonb(old) - array['state', 'changed_at', 'archived_at']
      is distinct from to_jsonb(new) - array['state', 'changed_at', 'archived_at'] then
    raise exception using errcode = 'SY403', message = 'What was issued never changes: write a credit note.';
  end if;
  new.changed_at := clock_timestamp();
  return new;
end $$;
