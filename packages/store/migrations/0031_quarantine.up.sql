-- What waits in quarantine is tried again or discarded by those who may, and the trail tells of it.
create function resolve_quarantine(numbers bigint[], as_what text, why text) returns setof bigint
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  one usage_quarantine;
begin
  for one in
    select * from usage_quarantine q where q.number = any (numbers) and q.resolved_at is null
      and holds('usage:quarantine', q.workspace)
    order by q.number for update
  loop
    update usage_quarantine set resolved_at = clock_timestamp(), resolution = as_what where number = one.number;
    perform audit(one.workspace, 'usage.' || as_what, jsonb_build_object('kind', 'Usage', 'name', one.number::text),
      jsonb_strip_nulls(jsonb_build_object('reason', why, 'before', jsonb_build_object('reason', one.reason,
        'sha256', encode(one.body_hash, 'hex')))));
    return next one.number;
  end loop;
end $$;
revoke execute on function resolve_quarantine(bigint[], text, text) from public;
grant execute on function resolve_quarantine(bigint[], text, text) to switchyard_user;
alter table usage_quarantine add constraint usage_quarantine_resolution check (resolution in ('retry', 'discard'));
create index usage_quarantine_open on usage_quarantine (seen_at) where resolved_at is null;

-- Everything that one request has become, with the price of each unit. What it costs us is for those who may read price
-- books. A request is looked for around the moment that its UUIDv7 tells.
create function explain_usage(at_workspace text, of_request uuid) returns jsonb
language plpgsql stable security definer set search_path = switchyard, pg_temp as $$
declare
  began timestamptz := to_timestamp(('x' || left(replace(of_request::text, '-', ''), 12))::bit(48)::bigint / 1000.0);
  sees_costs boolean := holds('price_book:read', null);
begin
  if not holds('usage:read', at_workspace) then
    raise exception using errcode = 'SY403', message = format('You need usage:read in workspace %s.', at_workspace);
  end if;
  return (
    select jsonb_agg(to_jsonb(e) - array['cost', 'rated_units', 'rated_rates', 'rated_amounts', 'cost_units', 'cost_rates', 'cost_amounts', 'body_hash']
      || jsonb_build_object('amount', trim_scale(e.amount)::text, 'sha256', encode(e.body_hash, 'hex'),
        'cost', case when sees_costs then trim_scale(e.cost)::text end,
        'lines', coalesce((
          select jsonb_agg(jsonb_build_object('side', r.side, 'unit', r.unit, 'quantity', r.quantity::text,
            'amount', trim_scale(r.amount)::text, 'book', b.name, 'version', b.version, 'sha256', encode(b.sha256, 'hex'),
            'place', p.rate, 'rate', b.spec -> 'rates' -> p.rate) order by r.side desc, r.unit)
          from rated r join price_rates p on p.id = r.rate join price_books b on b.id = p.book
          where (r.workspace, r.source, r.id) = (e.workspace, e.source, e.id) and (r.side = 'sale' or sees_costs)), '[]'),
        'posted', coalesce((
          select jsonb_agg(jsonb_build_object('transaction', t.id::text, 'amount', trim_scale(n.amount)::text, 'currency', n.currency))
          from ledger_transactions t join ledger_entries n on n.txn = t.id and n.line = 1
          where t.workspace = e.workspace and t.reference = 'usage:' || e.id), '[]'))
      order by e.time, e.id)
    from usage_events e
    where e.workspace = at_workspace and e.request = of_request
      and e.time between began - interval '10 minutes' and began + interval '1 day');
end $$;
revoke execute on function explain_usage(text, uuid) from public;
grant execute on function explain_usage(text, uuid) to switchyard_user;
