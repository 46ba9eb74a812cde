drop function rebuild_usage(timestamptz, timestamptz, boolean), fold_usage(timestamptz, timestamptz);
alter table usage_rollups drop constraint usage_rollups_pkey, drop column upstream, drop column uncosted;

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
truncate usage_rollups;
insert into usage_rollups select * from fold_usage(null, null);
alter table usage_rollups add primary key (workspace, grain, start, project, key, key_name, model, currency);

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
