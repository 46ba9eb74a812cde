create or replace function lease_slice(
  at_workspace text, at_project text, of_journal uuid, of_epoch bigint, need numeric, burn numeric, free numeric,
  back numeric, estimate numeric, seconds double precision,
  out said text, out account bigint, out slice bigint, out amount numeric, out remaining numeric, out target numeric)
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  a accounts;
  s slices;
  holders bigint;
  more numeric;
begin
  a := account_for(at_workspace, at_project);
  if a.id is null then
    said := 'none';
    return;
  end if;
  account := a.id;
  if is_fenced(of_journal, of_epoch) then
    said := 'fenced';
    return;
  end if;
  if expire_credits(a.id) > 0 then
    select * into a from accounts where id = a.id;
  end if;
  select * into s from slices t where t.account = a.id and t.journal = of_journal and t.epoch = of_epoch for update;
  remaining := left_of(a) + back;
  if remaining + free < 50 * estimate then
    said := 'row';
    target := 0;
    more := -back;
  else
    said := 'slice';
    select count(distinct t.journal) + 1 into holders from slices t
    where t.account = a.id and t.journal <> of_journal and t.state = 'open' and t.expires_at > clock_timestamp();
    target := round(greatest(need,
      least(greatest((remaining + free) / 100, burn), (remaining + free) / (2 * holders))), 12);
    more := greatest(0, least(target - free, remaining)) - back;
  end if;
  if s.id is null and said = 'slice' then
    insert into slices (account, journal, epoch, state, expires_at)
    values (a.id, of_journal, of_epoch, 'open', clock_timestamp()) returning * into s;
  end if;
  if s.id is not null then
    update slices t set amount = t.amount + more, state = 'open', expires_at = clock_timestamp() + make_interval(secs => seconds)
    where t.id = s.id returning t.id, t.amount into slice, amount;
    if more <> 0 then
      update accounts set sliced = sliced + more where id = a.id;
    end if;
  end if;
  remaining := remaining - greatest(0, more + back);
end $$;

create or replace function settle_usage(given jsonb) returns void
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  one record;
  a accounts;
  released numeric;
  held_beyond numeric;
  moved numeric;
  sliced_beyond numeric;
begin
  for one in
    select b.account, jsonb_agg(to_jsonb(g) || jsonb_build_object('held', b.held, 'slice', b.slice)) as given, sum(g.amount) as charged
    from jsonb_to_recordset(given) as g(id text, request uuid, workspace text, project text, slice bigint, held boolean,
      amount numeric, currency text, "time" timestamptz)
    cross join lateral (
      select coalesce(s.account, h.account, u.id) as account, s.id as slice, (s.id is null and h.request is not null) as held
      from (select) nothing
      -- Nobody pays with what another workspace holds.
      left join (slices s join accounts sa on sa.id = s.account) on s.id = g.slice and sa.workspace = g.workspace
        and (sa.currency = g.currency or g.amount = 0)
      left join (holds h join accounts ha on ha.id = h.account)
        on s.id is null and h.request = g.request and h.state in ('pending', 'orphaned') and ha.workspace = g.workspace
        and (ha.currency = g.currency or g.amount = 0)
      -- What was not held is owed all the same, by whoever pays now and did when it came.
      left join lateral (
        select p.id from accounts p join resources w on w.id = p.owner and w.spec #>> '{billing,mode}' <> 'none'
        where g.amount > 0 and p.role = 'balance' and p.workspace = g.workspace and p.project in ('', coalesce(g.project, ''))
          and p.currency = g.currency and p.created_at <= g.time
        order by p.project desc limit 1
      ) u on s.id is null and h.request is null
    ) b
    where b.account is not null
    group by b.account order by b.account
  loop
    select * into a from accounts where id = one.account for update;
    with g as (
      select * from jsonb_to_recordset(one.given) as g(request uuid, slice bigint, held boolean, amount numeric)
    ), resolved as (
      update holds h set state = 'settled', settled = g.amount, changed_at = clock_timestamp()
      from (select request, sum(amount) as amount from g where held group by request) g
      where h.request = g.request and h.state in ('pending', 'orphaned')
      returning h.reserved, g.amount
    )
    select coalesce(sum(reserved), 0), coalesce(sum(greatest(0, amount - reserved)), 0)
    into released, held_beyond from resolved;
    with g as (
      select slice, sum(amount) as amount from jsonb_to_recordset(one.given) as g(slice bigint, amount numeric)
      where slice is not null group by slice
    ), old as (
      select s.id, s.amount - s.used as free, g.amount as charged from slices s join g on g.slice = s.id for update of s
    ), drawn as (
      update slices s set used = s.used + o.charged, amount = greatest(s.amount, s.used + o.charged)
      from old o where s.id = o.id
      returning o.free, o.charged
    )
    select coalesce(sum(least(charged, free)), 0), coalesce(sum(greatest(0, charged - free)), 0)
    into moved, sliced_beyond from drawn;
    update accounts set pending = pending - released, sliced = sliced - moved,
      overrun = overrun + held_beyond + sliced_beyond + (
        select coalesce(sum(amount), 0) from jsonb_to_recordset(one.given) as g(slice bigint, held boolean, amount numeric)
        where slice is null and not held)
    where id = one.account;
    with posted as (
      insert into ledger_transactions (workspace, cause, reference)
      select a.workspace, 'charge', 'usage:' || id from jsonb_to_recordset(one.given) as g(id text, amount numeric)
      where amount > 0
      returning id, reference
    )
    insert into ledger_entries (txn, line, account, workspace, amount, currency)
    select p.id, case b.role when 'balance' then 1 else 2 end, b.id, b.workspace,
      case b.role when 'balance' then g.amount else -g.amount end, b.currency
    from posted p
    join jsonb_to_recordset(one.given) as g(id text, amount numeric) on p.reference = 'usage:' || g.id
    join accounts b on b.owner = a.owner and b.project = a.project and b.currency = a.currency
      and b.role in ('balance', 'revenue');
    perform burn_credits(a.id, one.charged);
  end loop;
end $$;
