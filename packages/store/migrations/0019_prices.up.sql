-- Published price books: rows that never change, each known by the SHA-256 of what it says. Only the time for which one
-- holds gets shorter, when a later version of its name begins or its document is deleted.

create table price_books (
  id bigint generated always as identity primary key,
  name text not null check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  version integer not null check (version > 0),
  side text not null check (side in ('sale', 'cost')),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  -- As it was published.
  effective tstzrange not null check (not isempty(effective) and not lower_inf(effective)),
  holds tstzrange not null check (holds <@ effective),
  spec jsonb not null,
  -- Of the canonical JSON (RFC 8785) of name, spec and version.
  sha256 bytea not null unique check (length(sha256) = 32),
  published_by text not null,
  published_at timestamptz not null default clock_timestamp(),
  unique (name, version)
);

create table price_rates (
  id bigint generated always as identity primary key,
  book bigint not null references price_books,
  -- Its place in spec.rates of the book.
  rate integer not null check (rate >= 0),
  side text not null,
  currency text not null,
  unit text not null,
  -- Model, provider, endpoint, tier, region and workspace, with a space between them.
  match_key text not null,
  -- Tokens in.
  context int8range not null check (not isempty(context)),
  holds tstzrange not null,
  -- Stands for its side, currency, unit and match, so that ranges alone say what excludes what and no extension is needed.
  spot numrange not null generated always as (numrange(
    hashtextextended(side || ' ' || currency || ' ' || unit || ' ' || match_key, 0)::numeric,
    hashtextextended(side || ' ' || currency || ' ' || unit || ' ' || match_key, 0)::numeric, '[]')) stored,
  -- At the commit: one transaction may end a version and begin another.
  constraint price_rates_overlap exclude using gist (spot with &&, context with &&, holds with &&)
    deferrable initially deferred
);
create index price_rates_by_book on price_rates (book, rate);

create function only_shorter() returns trigger
language plpgsql set search_path = switchyard, pg_temp as $$
begin
  if not new.holds <@ old.holds then
    raise exception using errcode = 'SY409', message = 'What was published can only end earlier.';
  end if;
  return new;
end $$;
create trigger only_shorter before update on price_books for each row execute function only_shorter();
create trigger only_shorter before update on price_rates for each row execute function only_shorter();

-- Goes up with every change of what is published, so that whoever keeps prices made ready sees when they are others.
create table price_state (
  single boolean primary key default true check (single),
  version bigint not null default 0
);
insert into price_state default values;

create function price_changed() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  update price_state set version = version + 1;
  return null;
end $$;
revoke execute on function price_changed() from public;
create trigger price_changed after insert or update on price_books for each statement execute function price_changed();

-- A book without its document holds no longer; what it has rated stays as it is.
create function end_price_book() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  update price_rates r set holds = r.holds * tstzrange(null, now())
  from price_books b where b.id = r.book and b.name = old.name and r.holds && tstzrange(now(), null);
  update price_books set holds = holds * tstzrange(null, now())
  where name = old.name and holds && tstzrange(now(), null);
  return null;
end $$;
revoke execute on function end_price_book() from public;
create trigger end_price_book after delete on resources
  for each row when (old.kind = 'PriceBook') execute function end_price_book();

alter table price_books enable row level security, force row level security;
alter table price_rates enable row level security, force row level security;
alter table price_state enable row level security, force row level security;
create policy owner_all on price_state to switchyard_owner using (true) with check (true);
grant select on price_state to switchyard_ingest;
create policy ingest_reads on price_state for select to switchyard_ingest using (true);
create policy owner_all on price_books to switchyard_owner using (true) with check (true);
create policy owner_all on price_rates to switchyard_owner using (true) with check (true);

grant select on price_books, price_rates to switchyard_user, switchyard_control, switchyard_gateway, switchyard_ingest;
create policy servers_read on price_books for select
  to switchyard_control, switchyard_gateway, switchyard_ingest using (true);
create policy servers_read on price_rates for select
  to switchyard_control, switchyard_gateway, switchyard_ingest using (true);
create policy caller_reads on price_books for select to switchyard_user
  using ((select may('PriceBook', 'read', null)) or (select holds('price_book:publish', null)));
create policy caller_reads on price_rates for select to switchyard_user
  using ((select may('PriceBook', 'read', null)) or (select holds('price_book:publish', null)));
grant insert (name, version, side, currency, effective, holds, spec, sha256, published_by), update (holds)
  on price_books to switchyard_user;
grant insert (book, rate, side, currency, unit, match_key, context, holds), update (holds)
  on price_rates to switchyard_user;
create policy caller_publishes on price_books for insert to switchyard_user
  with check ((select switchyard.holds('price_book:publish', null)) and published_by = (select principal()));
create policy caller_publishes on price_rates for insert to switchyard_user
  with check ((select switchyard.holds('price_book:publish', null)));
create policy caller_shortens on price_books for update to switchyard_user
  using ((select switchyard.holds('price_book:publish', null)));
create policy caller_shortens on price_rates for update to switchyard_user
  using ((select switchyard.holds('price_book:publish', null)));

-- Books that stand already have been in force from each write on: as they are, they become their first version. Where
-- two priced the same, the one that begins later held while it held, and goes on doing so.
create function canonical_json(value jsonb) returns text
language plpgsql immutable set search_path = switchyard, pg_temp as $$
begin
  return case jsonb_typeof(value)
    when 'object' then (
      select '{' || coalesce(string_agg(to_json(m.key)::text || ':' || canonical_json(m.value), ',' order by m.key collate "C"), '') || '}'
      from jsonb_each(value) m)
    when 'array' then (
      select '[' || coalesce(string_agg(canonical_json(m.value), ',' order by m.at), '') || ']'
      from jsonb_array_elements(value) with ordinality m (value, at))
    else value::text
  end;
end $$;

insert into price_books (name, version, side, currency, effective, holds, spec, sha256, published_by, published_at)
select b.name, 1, b.spec ->> 'side', b.spec ->> 'currency', b.period, b.period, b.said,
  sha256(convert_to(canonical_json(jsonb_build_object('name', b.name, 'spec', b.said, 'version', 1)), 'UTF8')),
  b.metadata ->> 'updatedBy', (b.metadata ->> 'updateTimestamp')::timestamptz
from (
  select name, metadata, spec, spec || '{"rounding": "half_even"}' as said,
    tstzrange((spec ->> 'from')::timestamptz, (spec ->> 'to')::timestamptz) as period
  from resources where kind = 'PriceBook'
) b
order by lower(b.period), b.name;

with rates as (
  select b.id, b.name, b.side, b.currency, b.effective, at - 1 as rate, r ->> 'unit' as unit,
    concat(r ->> 'model', ' ', r ->> 'provider', ' ', r ->> 'endpoint', '   ') as match_key
  from price_books b cross join jsonb_array_elements(b.spec -> 'rates') with ordinality l (r, at)
)
insert into price_rates (book, rate, side, currency, unit, match_key, context, holds)
select r.id, r.rate, r.side, r.currency, r.unit, r.match_key, '[0,)', h.holds
from rates r
cross join lateral (
  select tstzmultirange(r.effective) - coalesce(range_agg(o.effective), '{}'::tstzmultirange) as left_over
  from rates o
  where (o.side, o.currency, o.unit, o.match_key) = (r.side, r.currency, r.unit, r.match_key) and o.id <> r.id
    and (lower(o.effective) > lower(r.effective) or (lower(o.effective) = lower(r.effective) and o.name < r.name))
) l
cross join lateral unnest(l.left_over) h (holds);

update resources r
set spec = r.spec || '{"publish": "on_write", "rounding": "half_even"}',
  status = r.status || jsonb_build_object('phase', case when r.deleted_at is null then 'Published' else 'Deleting' end,
    'version', 1, 'sha256', encode(b.sha256, 'hex'), 'publishedBy', b.published_by,
    'publishedAt', to_char(b.published_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'publishedGeneration', (r.metadata ->> 'generation')::integer)
from price_books b where r.kind = 'PriceBook' and b.name = r.name;
drop function canonical_json(jsonb);
