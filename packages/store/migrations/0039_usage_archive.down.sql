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
  if old.number is not null
    and to_jsonb(old) - array['state', 'changed_at'] is distinct from to_jsonb(new) - array['state', 'changed_at'] then
    raise exception using errcode = 'SY403', message = 'What was issued never changes: write a credit note.';
  end if;
  new.changed_at := clock_timestamp();
  return new;
end $$;
alter table invoices drop column archived_at;
alter table usage_batches drop column archived_at;
