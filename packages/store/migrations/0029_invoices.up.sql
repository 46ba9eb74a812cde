-- Invoices and credit notes: one row for each month of a workspace, which is gathered, drafted, issued and paid. What is
-- issued has a number without gaps and never changes again.

-- In which transaction an event was taken: what is below every running one never gains an event any more, so that an
-- invoice counts exactly the events up to there.
alter table usage_events add column taken_in xid8 not null default pg_current_xact_id();

create table invoices (
  id uuid primary key default gen_random_uuid(),
  kind text not null check (kind in ('invoice', 'credit_note')),
  state text not null check (state in ('gathering', 'draft', 'issuing', 'issued', 'paid', 'overdue', 'uncollectible')),
  workspace text not null check (workspace ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  entity text not null,
  period tstzrange not null check (not isempty(period)),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  -- What it is reckoned by: seller, buyer, terms.
  plan jsonb not null,
  -- Events of transactions up to this one count.
  cutoff bigint,
  issuing_since timestamptz,
  -- Why it cannot be issued.
  stopped text,
  year integer,
  place integer check (place > 0),
  number text unique,
  issued_at timestamptz,
  due_at timestamptz,
  payable numeric(38, 12),
  -- Canonical JSON (RFC 8785): of a draft as it was last reckoned.
  document text,
  drafted_at timestamptz,
  -- Published price books as they held when it was issued.
  books jsonb,
  -- In the order of issue.
  turn bigint,
  -- Of a credit note.
  credits uuid references invoices,
  -- A person wrote it: it takes back what was charged, and no later reckoning charges it again.
  by_hand boolean not null default false,
  changed_at timestamptz not null default clock_timestamp(),
  unique (entity, kind, year, place),
  check ((kind = 'credit_note') = (credits is not null)),
  check (num_nulls(year, place, number, issued_at) in (0, 4)),
  check ((number is null) = (state in ('gathering', 'draft', 'issuing'))),
  check (number is null or (document is not null and payable is not null)),
  check (state <> 'issuing' or (cutoff is not null and issuing_since is not null))
);
create sequence invoice_turns;
create unique index invoices_of_period on invoices (workspace, lower(period)) where kind = 'invoice';
create index invoices_by_period on invoices (workspace, upper(period));
create index invoices_to_do on invoices (upper(period)) where state in ('gathering', 'draft', 'issuing', 'issued');
create index invoices_by_credited on invoices (credits) where credits is not null;

-- Lines of what was issued.
create table invoice_lines (
  invoice uuid not null references invoices,
  line integer not null check (line > 0),
  workspace text not null,
  kind text not null check (kind in ('usage', 'fee', 'discount', 'minimum', 'cap', 'residue')),
  project text,
  model text,
  unit text,
  rate text,
  step integer,
  service tstzrange not null,
  quantity numeric(38, 0) not null,
  exact numeric(38, 12) not null,
  rounded numeric(38, 12) not null,
  net numeric(38, 12) not null,
  tax numeric(38, 12) not null,
  corrects_document text,
  corrects_line integer,
  primary key (invoice, line),
  check (num_nulls(corrects_document, corrects_line) in (0, 2))
);
create index invoice_lines_corrected on invoice_lines (corrects_document, corrects_line) where corrects_document is not null;

-- The last number of a year. Its row is locked from the taking of a number to the commit: what fails leaves no gap.
create table invoice_numbers (
  entity text not null,
  kind text not null,
  year integer not null,
  last integer not null check (last > 0),
  primary key (entity, kind, year)
);

-- state x event: from where each state may be entered.
create function may_become(before text, after text) returns boolean
language sql immutable as $$
  select (before, after) in (
    ('gathering', 'draft'), ('draft', 'issuing'), ('issuing', 'issued'),
    ('issued', 'paid'), ('issued', 'overdue'), ('issued', 'uncollectible'),
    ('overdue', 'paid'), ('overdue', 'uncollectible'))
$$;

create function keep_invoice() returns trigger
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
create trigger keep_invoice before update or delete on invoices for each row execute function keep_invoice();
create trigger keep_lines before update or delete or truncate on invoice_lines
  for each statement execute function keep_fact();

-- Each change of a state is told in the transaction that makes it.
create function tell_invoice() returns trigger
language plpgsql set search_path = switchyard, pg_temp as $$
begin
  if tg_op = 'INSERT' and new.number is null or tg_op = 'UPDATE' and (new.state = old.state or new.number is null) then
    return null;
  end if;
  perform audit(new.workspace, case
      when tg_op = 'INSERT' then 'invoice.credit' when old.number is null then 'invoice.issue'
      else 'invoice.' || case new.state when 'paid' then 'pay' when 'overdue' then 'overdue' else 'write_off' end end,
    jsonb_build_object('kind', case new.kind when 'invoice' then 'Invoice' else 'CreditNote' end, 'name', new.number, 'uid', new.id),
    jsonb_build_object('after', jsonb_build_object('state', new.state, 'payable', trim_scale(new.payable)::text, 'currency', new.currency)));
  return null;
end $$;
create trigger tell_invoice after insert or update on invoices for each row execute function tell_invoice();

do $$
declare
  t text;
begin
  foreach t in array array['invoices', 'invoice_lines', 'invoice_numbers'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy owner_all on %I to switchyard_owner using (true) with check (true)', t);
    execute format('create policy invoice_all on %I to switchyard_invoice using (true) with check (true)', t);
    execute format('grant select on %I to switchyard_invoice', t);
  end loop;
end $$;

-- The server's own hand of invoicing; callers read.
grant usage on schema switchyard to switchyard_invoice;
grant execute on function audit(text, text, jsonb, jsonb) to switchyard_invoice;
grant insert, update, delete on invoices to switchyard_invoice;
grant insert on invoice_lines to switchyard_invoice;
grant usage on sequence invoice_turns to switchyard_invoice;
grant insert, update (last) on invoice_numbers to switchyard_invoice;
grant select on usage_events to switchyard_invoice;
create policy invoice_reads on usage_events for select to switchyard_invoice using (true);

grant select on invoices, invoice_lines to switchyard_user, switchyard_control;
create policy control_reads on invoices for select to switchyard_control using (true);
create policy control_reads on invoice_lines for select to switchyard_control using (true);
create policy caller_reads on invoices for select to switchyard_user using (
  (select holds('invoice:read', null)) or workspace in (select h from held('invoice:read') h where h is not null)
);
create policy caller_reads on invoice_lines for select to switchyard_user using (
  (select holds('invoice:read', null)) or workspace in (select h from held('invoice:read') h where h is not null)
);
