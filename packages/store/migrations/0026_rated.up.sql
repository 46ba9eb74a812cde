-- What each event has cost, by the price of the moment of its admission: told once, in the transaction that takes it.
alter table usage_events
  -- Of the workspace; null where nothing is priced.
  add column currency text check (currency ~ '^[A-Z]{3}$'),
  -- To the caller; null where it has no price, or the caller does not pay.
  add column amount numeric(38, 12),
  -- To us.
  add column cost numeric(38, 12),
  -- One for each unit that was priced.
  add column rated_units text[],
  add column rated_rates bigint[],
  add column rated_amounts numeric(38, 12)[],
  add column cost_units text[],
  add column cost_rates bigint[],
  add column cost_amounts numeric(38, 12)[];
alter table usage_quarantine drop constraint usage_quarantine_reason_check, add constraint usage_quarantine_reason_check
  check (reason in ('conflict', 'bad_schema', 'unknown_unit', 'negative', 'too_old', 'future', 'unpriced', 'poison'));

-- A row for each unit of an event that has a price.
create view rated with (security_invoker) as
select e.workspace, e.source, e.id, e.time, e.project, e.key, e.model, s.side, s.unit, s.rate,
  (to_jsonb(e) ->> replace(s.unit, '.', '_'))::numeric as quantity, s.amount, e.currency
from usage_events e
cross join lateral (
  select 'sale' as side, * from unnest(e.rated_units, e.rated_rates, e.rated_amounts) r (unit, rate, amount)
  union all
  select 'cost', * from unnest(e.cost_units, e.cost_rates, e.cost_amounts) r (unit, rate, amount)
) s;

-- What a period has counted of what is priced by the period.
create table usage_counters (
  workspace text not null,
  -- Book, unit, context and match of the rate.
  series text not null,
  period timestamptz not null,
  quantity numeric(38, 0) not null default 0 check (quantity >= 0),
  primary key (workspace, series, period)
) with (fillfactor = 50);

-- Sums of what callers used, by minute, hour and day: always the fold of the events.
create table usage_rollups (
  workspace text not null,
  grain text not null check (grain in ('minute', 'hour', 'day')),
  start timestamptz not null,
  -- '' is none.
  project text not null,
  key text not null,
  key_name text not null,
  model text not null,
  -- '' where nothing is priced.
  currency text not null,
  requests numeric(38, 0) not null,
  amount numeric(38, 12) not null,
  cost numeric(38, 12) not null,
  tok_in_uncached numeric(38, 0), tok_in_cache_read numeric(38, 0), tok_in_cache_read_audio numeric(38, 0), tok_in_cache_write_5m numeric(38, 0),
  tok_in_cache_write_1h numeric(38, 0), tok_in_image numeric(38, 0), tok_in_audio numeric(38, 0), tok_in_video numeric(38, 0),
  tok_out_text numeric(38, 0), tok_out_reasoning numeric(38, 0), tok_out_audio numeric(38, 0), tok_out_image numeric(38, 0),
  img_out_count numeric(38, 0), img_out_px numeric(38, 0), audio_in_ms numeric(38, 0), char_in numeric(38, 0),
  req numeric(38, 0), doc_ranked numeric(38, 0),
  amount_tok_in_uncached numeric(38, 12), amount_tok_in_cache_read numeric(38, 12), amount_tok_in_cache_read_audio numeric(38, 12),
  amount_tok_in_cache_write_5m numeric(38, 12), amount_tok_in_cache_write_1h numeric(38, 12), amount_tok_in_image numeric(38, 12),
  amount_tok_in_audio numeric(38, 12), amount_tok_in_video numeric(38, 12), amount_tok_out_text numeric(38, 12),
  amount_tok_out_reasoning numeric(38, 12), amount_tok_out_audio numeric(38, 12), amount_tok_out_image numeric(38, 12),
  amount_img_out_count numeric(38, 12), amount_img_out_px numeric(38, 12), amount_audio_in_ms numeric(38, 12),
  amount_char_in numeric(38, 12), amount_req numeric(38, 12), amount_doc_ranked numeric(38, 12),
  primary key (workspace, grain, start, project, key, key_name, model, currency)
) with (fillfactor = 50);
create index usage_rollups_by_start on usage_rollups (grain, start);

-- The fold of the events of a time, both bounds on full days of UTC; null is open.
create function fold_usage(since timestamptz, until timestamptz) returns setof usage_rollups
language sql stable set search_path = switchyard, pg_temp as $$
  select e.workspace, g.grain, date_trunc(g.grain, e.time, 'UTC'), coalesce(e.project, ''), e.key, e.key_name, e.model,
    coalesce(e.currency, ''), count(*) filter (where e.billable = 'caller'), coalesce(sum(e.amount), 0), coalesce(sum(e.cost), 0),
    sum(e.tok_in_uncached) filter (where e.billable = 'caller'), sum(e.tok_in_cache_read) filter (where e.billable = 'caller'),
    sum(e.tok_in_cache_read_audio) filter (where e.billable = 'caller'), sum(e.tok_in_cache_write_5m) filter (where e.billable = 'caller'),
    sum(e.tok_in_cache_write_1h) filter (where e.billable = 'caller'), sum(e.tok_in_image) filter (where e.billable = 'caller'),
    sum(e.tok_in_audio) filter (where e.billable = 'caller'), sum(e.tok_in_video) filter (where e.billable = 'caller'),
    sum(e.tok_out_text) filter (where e.billable = 'caller'), sum(e.tok_out_reasoning) filter (where e.billable = 'caller'),
    sum(e.tok_out_audio) filter (where e.billable = 'caller'), sum(e.tok_out_image) filter (where e.billable = 'caller'),
    sum(e.img_out_count) filter (where e.billable = 'caller'), sum(e.img_out_px) filter (where e.billable = 'caller'),
    sum(e.audio_in_ms) filter (where e.billable = 'caller'), sum(e.char_in) filter (where e.billable = 'caller'),
    sum(e.req) filter (where e.billable = 'caller'), sum(e.doc_ranked) filter (where e.billable = 'caller'),
    sum(e.rated_amounts[array_position(e.rated_units, 'tok.in.uncached')]), sum(e.rated_amounts[array_position(e.rated_units, 'tok.in.cache_read')]),
    sum(e.rated_amounts[array_position(e.rated_units, 'tok.in.cache_read_audio')]), sum(e.rated_amounts[array_position(e.rated_units, 'tok.in.cache_write_5m')]),
    sum(e.rated_amounts[array_position(e.rated_units, 'tok.in.cache_write_1h')]), sum(e.rated_amounts[array_position(e.rated_units, 'tok.in.image')]),
    sum(e.rated_amounts[array_position(e.rated_units, 'tok.in.audio')]), sum(e.rated_amounts[array_position(e.rated_units, 'tok.in.video')]),
    sum(e.rated_amounts[array_position(e.rated_units, 'tok.out.text')]), sum(e.rated_amounts[array_position(e.rated_units, 'tok.out.reasoning')]),
    sum(e.rated_amounts[array_position(e.rated_units, 'tok.out.audio')]), sum(e.rated_amounts[array_position(e.rated_units, 'tok.out.image')]),
    sum(e.rated_amounts[array_position(e.rated_units, 'img.out.count')]), sum(e.rated_amounts[array_position(e.rated_units, 'img.out.px')]),
    sum(e.rated_amounts[array_position(e.rated_units, 'audio.in.ms')]), sum(e.rated_amounts[array_position(e.rated_units, 'char.in')]),
    sum(e.rated_amounts[array_position(e.rated_units, 'req')]), sum(e.rated_amounts[array_position(e.rated_units, 'doc.ranked')])
  from usage_events e cross join unnest(array['minute', 'hour', 'day']) g (grain)
  where (since is null or e.time >= since) and (until is null or e.time < until)
    and (e.billable = 'caller' or e.cost is not null)
  group by 1, 2, 3, 4, 5, 6, 7, 8
$$;
insert into usage_rollups select * from fold_usage(null, null);

-- Where roll-ups are something else than the fold, both as JSON; with `mend` they are made equal. No event comes in
-- meanwhile.
create function rebuild_usage(since timestamptz, until timestamptz, mend boolean)
returns table (standing jsonb, folded jsonb)
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  if not holds('usage:rebuild', null) then
    raise exception using errcode = 'SY403', message = 'You need usage:rebuild on the platform.';
  end if;
  lock table usage_rollups in share row exclusive mode;
  create temporary table differing on commit drop as
    select to_jsonb(r) as standing, to_jsonb(f) as folded, r.ctid as place
    from (select *, ctid from usage_rollups where (since is null or start >= since) and (until is null or start < until)) r
    full join fold_usage(since, until) f using (workspace, grain, start, project, key, key_name, model, currency)
    where r.requests is null or f.requests is null
      or to_jsonb(r) - 'ctid' is distinct from to_jsonb(f);
  if mend then
    delete from usage_rollups u using differing d where u.ctid = d.place;
    insert into usage_rollups select (jsonb_populate_record(null::usage_rollups, d.folded)).* from differing d
      where d.folded is not null;
    perform audit(null, 'usage.rebuild', '{"kind": "Usage"}', jsonb_build_object('after', jsonb_build_object('rows', count(*)))) from differing;
  end if;
  return query select d.standing - 'ctid', d.folded from differing d;
end $$;
revoke execute on function rebuild_usage(timestamptz, timestamptz, boolean) from public;
grant execute on function rebuild_usage(timestamptz, timestamptz, boolean) to switchyard_user;

do $$
declare
  t text;
begin
  foreach t in array array['usage_counters', 'usage_rollups'] loop
    execute format('alter table %I enable row level security, force row level security', t);
    execute format('create policy owner_all on %I to switchyard_owner using (true) with check (true)', t);
    execute format('grant select, insert, update on %I to switchyard_ingest', t);
    execute format('create policy ingest_all on %I to switchyard_ingest using (true) with check (true)', t);
  end loop;
end $$;
grant select on usage_rollups, rated to switchyard_user, switchyard_control;
create policy control_reads on usage_rollups for select to switchyard_control using (true);
create policy caller_reads on usage_rollups for select to switchyard_user using (
  (select holds('usage:read', null)) or workspace in (select h from held('usage:read') h where h is not null)
);
