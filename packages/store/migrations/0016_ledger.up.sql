-- Balances: what a workspace, or a project of its own account, has paid in advance or owes. Double entry: a change of a
-- balance is a transaction whose lines sum to nothing, and what an account has posted is the sum of its lines.
--
--   posted    what is owed; below 0 it was paid in advance
--   pending   held for single requests (holds)
--   sliced    held for gateways, which hold for requests by themselves (slices)
--   overrun   used beyond what was held for it
--
--   posted + pending + sliced <= limit_amount + overrun
--
-- Amounts are in the account's currency. Everything is written through the functions alone, and they lock the accounts
-- they touch in the order of their ids before anything else.

create table accounts (
  id bigint generated always as identity primary key,
  -- Id of the Workspace document: one that is made again under the same name begins anew.
  owner uuid not null,
  workspace text not null check (workspace ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  -- '' is the workspace.
  project text not null default '',
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  -- A balance is the customer's; the others are where its money comes from and goes to.
  role text not null check (role in ('balance', 'revenue', 'payments', 'grants', 'expired', 'adjustments')),
  kind text check (kind in ('prepaid', 'postpaid')),
  limit_amount numeric(38, 12) not null default 0 check (limit_amount >= 0),
  posted numeric(38, 12) not null default 0,
  pending numeric(38, 12) not null default 0 check (pending >= 0),
  sliced numeric(38, 12) not null default 0 check (sliced >= 0),
  overrun numeric(38, 12) not null default 0 check (overrun >= 0),
  created_at timestamptz not null default clock_timestamp(),
  unique (owner, project, currency, role),
  check ((role = 'balance') = (kind is not null)),
  check (kind <> 'prepaid' or limit_amount = 0),
  check (kind <> 'prepaid' or posted + pending + sliced <= limit_amount + overrun)
) with (fillfactor = 50); -- no index over what changes: an update stays on its page
create index accounts_by_workspace on accounts (workspace);

create table ledger_transactions (
  id bigint generated always as identity primary key,
  workspace text not null,
  cause text not null check (cause in ('top_up', 'grant', 'withdrawal', 'correction', 'charge', 'expiry', 'write_off')),
  -- What it is for, once: `usage:EVENT`, `key:IDEMPOTENCY-KEY`, `credit:ID/N`, `slice:ID`, `hold:REQUEST`.
  reference text not null,
  -- Of the request that a person made.
  fingerprint text,
  actor text,
  reason text,
  at timestamptz not null default clock_timestamp(),
  unique (workspace, reference)
);

create table ledger_entries (
  txn bigint not null,
  line smallint not null,
  account bigint not null,
  workspace text not null,
  amount numeric(38, 12) not null,
  currency text not null,
  primary key (txn, line)
);
create index ledger_entries_by_account on ledger_entries (account, txn);

-- What was paid or given and is not used up. They burn by priority, then the earliest expiry, then age.
create table credits (
  id bigint generated always as identity primary key,
  account bigint not null,
  workspace text not null,
  cause text not null check (cause in ('top_up', 'grant', 'correction')),
  amount numeric(38, 12) not null check (amount > 0),
  remaining numeric(38, 12) not null check (remaining between 0 and amount),
  priority integer not null,
  expires_at timestamptz,
  txn bigint not null
);
create index credits_to_burn on credits (account, priority, expires_at, id) where remaining > 0;
create index credits_by_expiry on credits (expires_at) where remaining > 0;

-- Held for one request by the database itself.
create table holds (
  request uuid primary key,
  account bigint not null,
  journal uuid not null,
  epoch bigint not null,
  reserved numeric(38, 12) not null check (reserved >= 0),
  state text not null check (state in ('pending', 'settled', 'voided', 'orphaned')),
  settled numeric(38, 12),
  expires_at timestamptz not null,
  changed_at timestamptz not null default clock_timestamp()
);
create index holds_open on holds (expires_at) where state in ('pending', 'orphaned');

-- Held for a gateway, which is known by its journal and how often that was opened. Both amounts only grow by what is
-- leased and used, and shrink by what is given back.
create table slices (
  id bigint generated always as identity primary key,
  account bigint not null,
  journal uuid not null,
  epoch bigint not null,
  amount numeric(38, 12) not null default 0,
  used numeric(38, 12) not null default 0 check (used >= 0),
  state text not null check (state in ('open', 'orphaned', 'closed')),
  expires_at timestamptz not null,
  unique (account, journal, epoch),
  check (used <= amount)
) with (fillfactor = 50);
create index slices_open on slices (journal, epoch) where state <> 'closed';

-- What a journal has recorded before this epoch is all in: whoever held money in an earlier one is gone.
create table journal_fences (
  journal uuid primary key,
  epoch bigint not null
);

-- A transaction is one statement, so that one look sees all of its lines: a deferred trigger looks once for each row.
create function post_entries() returns trigger
language plpgsql set search_path = switchyard, pg_temp as $$
declare
  wanted bigint;
  posted_to bigint;
begin
  if exists (select from entered group by txn, currency having sum(amount) <> 0) then
    raise exception using errcode = '23514', message = 'The lines of a transaction sum to nothing.';
  end if;
  select count(*) into wanted from (select from entered group by account, currency) e;
  update accounts a set posted = a.posted + e.amount
  from (select account, currency, sum(amount) as amount from entered group by account, currency) e
  where a.id = e.account and a.currency = e.currency;
  get diagnostics posted_to = row_count;
  if posted_to <> wanted then
    raise exception using errcode = '23514', message = 'A line is in the currency of its account.';
  end if;
  return null;
end $$;
create trigger post_entries after insert on ledger_entries
  referencing new table as entered for each statement execute function post_entries();

create function keep_fact() returns trigger
language plpgsql set search_path = switchyard, pg_temp as $$
begin
  raise exception using errcode = 'SY403', message = 'What was posted is never changed: post a correction.';
end $$;
create trigger keep_entries before update or delete or truncate on ledger_entries
  for each statement execute function keep_fact();
create trigger keep_transactions before update or delete or truncate on ledger_transactions
  for each statement execute function keep_fact();

-- The account that pays for a project, or with '' for a workspace, locked; null where nothing is billed. Made with its
-- first use, and brought to what the Workspace document says.
create function account_for(at_workspace text, at_project text) returns accounts
language plpgsql set search_path = switchyard, pg_temp as $$
declare
  w resources;
  own jsonb;
  payer text := '';
  mode text;
  most numeric(38, 12);
  a accounts;
begin
  select * into w from resources where kind = 'Workspace' and place = '' and name = at_workspace;
  own := w.spec -> 'billing';
  if at_project <> '' and own -> 'projects' ? at_project then
    own := own -> 'projects' -> at_project;
    payer := at_project;
  end if;
  mode := own ->> 'mode';
  if mode is null or mode = 'none' then
    return null;
  end if;
  most := case mode when 'postpaid' then coalesce((own ->> 'credit')::numeric, 0) else 0 end;
  select * into a from accounts
  where owner = w.id and project = payer and currency = w.spec ->> 'currency' and role = 'balance' for update;
  if not found then
    insert into accounts (owner, workspace, project, currency, role, kind, limit_amount)
    values (w.id, at_workspace, payer, w.spec ->> 'currency', 'balance', mode, most)
    on conflict (owner, project, currency, role) do update set kind = accounts.kind
    returning * into a;
    insert into accounts (owner, workspace, project, currency, role)
    select w.id, at_workspace, payer, a.currency, r
    from unnest(array['revenue', 'payments', 'grants', 'expired', 'adjustments']) r
    on conflict do nothing;
  end if;
  if (a.kind, a.limit_amount) is distinct from (mode, most) then
    -- What stands above a limit that was lowered to nothing was used: it counts as overrun.
    update accounts set kind = mode, limit_amount = most,
      overrun = case mode when 'prepaid' then greatest(overrun, posted + pending + sliced) else overrun end
    where id = a.id returning * into a;
  end if;
  return a;
end $$;

create function left_of(a accounts) returns numeric
language sql immutable as $$ select a.limit_amount - a.posted - a.pending - a.sliced $$;

-- The lines of one transaction over a balance: what the customer owes more, and where that comes from.
create function post(balance accounts, other text, owed numeric, txn bigint) returns void
language sql volatile set search_path = switchyard, pg_temp as $$
  insert into ledger_entries (txn, line, account, workspace, amount, currency)
  select txn, case a.role when 'balance' then 1 else 2 end, a.id, a.workspace,
    case a.role when 'balance' then owed else -owed end, a.currency
  from accounts a
  where a.owner = balance.owner and a.project = balance.project and a.currency = balance.currency
    and a.role in ('balance', other)
$$;

create function burn_credits(of_account bigint, charged numeric) returns void
language sql volatile set search_path = switchyard, pg_temp as $$
  update credits c set remaining = c.remaining - b.taken
  from (
    select id, least(remaining, greatest(0, charged - coalesce(sum(remaining) over (
      order by priority, expires_at nulls last, id rows between unbounded preceding and 1 preceding), 0))) as taken
    from credits where account = of_account and remaining > 0
  ) b
  where c.id = b.id and b.taken > 0
$$;

-- Takes back what was not used in time; what is held of it goes once it is free again. The account is locked.
create function expire_credits(of_account bigint) returns numeric
language plpgsql set search_path = switchyard, pg_temp as $$
declare
  a accounts;
  c credits;
  gone numeric;
  total numeric := 0;
  txn bigint;
begin
  for c in
    select * from credits where account = of_account and remaining > 0 and expires_at <= clock_timestamp()
    order by priority, expires_at, id
  loop
    select * into a from accounts where id = of_account for update;
    gone := least(c.remaining, greatest(0, left_of(a)));
    continue when gone = 0;
    insert into ledger_transactions (workspace, cause, reference)
    values (a.workspace, 'expiry', format('credit:%s/%s', c.id, c.remaining))
    returning id into txn;
    update credits set remaining = remaining - gone where id = c.id;
    perform post(a, 'expired', gone, txn);
    total := total + gone;
  end loop;
  return total;
end $$;

-- Money that a person brings, gives, takes out or puts right; `amount` is what the balance gains, of a withdrawal what it
-- loses. said: recorded, again (the same request), reused (another one under its key), none (no account), short.
create function record_money(
  at_workspace text, at_project text, of_cause text, of_amount numeric, of_priority integer,
  until timestamptz, of_key text, of_fingerprint text, of_reason text, out said text, out txn bigint)
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  a accounts;
  before ledger_transactions;
  gained numeric := case of_cause when 'withdrawal' then -of_amount else of_amount end;
  paid numeric;
begin
  if not holds('billing:credit', at_workspace) then
    raise exception using errcode = 'SY403', message = 'You need billing:credit to change a balance.';
  end if;
  a := account_for(at_workspace, at_project);
  if a.id is null or a.project <> at_project then
    said := 'none';
    return;
  end if;
  select * into before from ledger_transactions t
  where t.workspace = at_workspace and t.reference = 'key:' || of_key;
  if found then
    said := case before.fingerprint when of_fingerprint then 'again' else 'reused' end;
    txn := before.id;
    return;
  end if;
  perform expire_credits(a.id);
  select * into a from accounts where id = a.id;
  if gained < 0 then
    select coalesce(sum(remaining), 0) into paid from credits where account = a.id and cause = 'top_up';
    if left_of(a) < -gained or (of_cause = 'withdrawal' and paid < -gained) then
      said := 'short';
      return;
    end if;
  end if;
  insert into ledger_transactions (workspace, cause, reference, fingerprint, actor, reason)
  values (at_workspace, of_cause, 'key:' || of_key, of_fingerprint, principal(), of_reason)
  returning id into txn;
  said := 'recorded';
  if gained > 0 then
    -- Of what is owed it pays at once.
    insert into credits (account, workspace, cause, amount, remaining, priority, expires_at, txn)
    values (a.id, at_workspace, of_cause, gained, gained - least(gained, greatest(0, a.posted)), of_priority, until, txn);
  elsif of_cause = 'withdrawal' then
    -- What burns last is taken out first, and nothing that was given.
    update credits c set remaining = c.remaining - b.taken
    from (
      select id, least(remaining, greatest(0, -gained - coalesce(sum(remaining) over (
        order by priority desc, expires_at desc nulls first, id desc
        rows between unbounded preceding and 1 preceding), 0))) as taken
      from credits where account = a.id and remaining > 0 and cause = 'top_up'
    ) b
    where c.id = b.id and b.taken > 0;
  else
    perform burn_credits(a.id, -gained);
  end if;
  perform post(a, case of_cause when 'grant' then 'grants' when 'correction' then 'adjustments' else 'payments' end,
    -gained, txn);
  perform audit(at_workspace, 'account.' || of_cause, jsonb_build_object('kind', 'Account', 'name', coalesce(nullif(at_project, ''), at_workspace)),
    jsonb_strip_nulls(jsonb_build_object('reason', of_reason, 'after', jsonb_build_object(
      'transaction', txn::text, 'amount', trim_scale(gained)::text, 'currency', a.currency))));
end $$;

create function is_fenced(of_journal uuid, of_epoch bigint) returns boolean
language sql stable set search_path = switchyard, pg_temp as $$
  select exists (select from journal_fences f where f.journal = of_journal and f.epoch > of_epoch)
$$;

-- Keeps a gateway's slice for so many seconds, takes back of it what the gateway no longer counts on, and lets it grow:
-- to a hundredth of what is left, or what it burns in five seconds, and to no more than its share of half of it. Near
-- the end, where so few requests are left that every hold should see all of it, there are no slices.
-- said: slice, row, none (nothing is billed), fenced. `amount` is all that was ever leased and not given back.
create function lease_slice(
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

-- Holds for one request, or holds more for it. said: held, short, fenced.
create function hold_money(
  of_request uuid, of_account bigint, of_journal uuid, of_epoch bigint, amount numeric, seconds double precision,
  out said text, out remaining numeric)
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  if is_fenced(of_journal, of_epoch) then
    said := 'fenced';
    return;
  end if;
  update accounts a set pending = a.pending + amount
  where a.id = of_account and a.posted + a.pending + a.sliced + amount <= a.limit_amount
  returning left_of(a) into remaining;
  if not found then
    said := 'short';
    select left_of(a) into remaining from accounts a where a.id = of_account;
    return;
  end if;
  insert into holds as h (request, account, journal, epoch, reserved, state, expires_at)
  values (of_request, of_account, of_journal, of_epoch, amount, 'pending', clock_timestamp() + make_interval(secs => seconds))
  on conflict (request) do update set reserved = h.reserved + excluded.reserved, expires_at = excluded.expires_at
  where h.state = 'pending';
  if not found then
    raise exception using errcode = 'SY409', message = 'The hold of this request is over.';
  end if;
  said := 'held';
end $$;

-- Gives a hold back whose request no upstream has heard of.
create function void_hold(of_request uuid) returns boolean
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  h holds;
begin
  select * into h from holds where request = of_request;
  perform from accounts where id = h.account for update;
  update holds set state = 'voided', settled = 0, changed_at = clock_timestamp()
  where request = of_request and state in ('pending', 'orphaned');
  if not found then
    return false;
  end if;
  update accounts set pending = pending - h.reserved where id = h.account;
  return true;
end $$;

-- Posts what requests have cost, and resolves what was held for them, each once: the caller has just made their facts.
-- Every one is {id, request, workspace, project, hold, slice, amount, currency, time}.
create function settle_usage(given jsonb) returns void
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

-- Closes what gateways have held whose journals were read to their end: what they used was posted from there.
create function journal_recovered(of_journal uuid, before_epoch bigint) returns bigint
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  freed record;
  total bigint := 0;
begin
  insert into journal_fences as f values (of_journal, before_epoch)
  on conflict (journal) do update set epoch = greatest(f.epoch, excluded.epoch) where f.epoch < excluded.epoch;
  for freed in
    select account from (
      select s.account from slices s where s.journal = of_journal and s.epoch < before_epoch and s.state <> 'closed'
      union
      select h.account from holds h
      where h.state in ('pending', 'orphaned') and h.journal = of_journal and h.epoch < before_epoch
    ) o order by account
  loop
    perform from accounts where id = freed.account for update;
    with old as (
      select s.id, s.amount - s.used as free from slices s
      where s.account = freed.account and s.journal = of_journal and s.epoch < before_epoch and s.state <> 'closed' for update
    ), closed as (
      update slices s set amount = s.used, state = 'closed' from old o where s.id = o.id returning o.free
    ), voided as (
      update holds h set state = 'voided', settled = 0, changed_at = clock_timestamp()
      where h.account = freed.account and h.journal = of_journal and h.epoch < before_epoch
        and h.state in ('pending', 'orphaned')
      returning h.reserved
    )
    update accounts set sliced = sliced - coalesce((select sum(free) from closed), 0),
      pending = pending - coalesce((select sum(reserved) from voided), 0)
    where id = freed.account;
    total := total + 1;
  end loop;
  return total;
end $$;

-- Takes back what was not used in time, marks what nobody keeps any more, and writes off what was held without a trace
-- for so long. What is marked goes on counting.
create function tidy_ledger(trace_hours double precision) returns bigint
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  one record;
  a accounts;
  free numeric;
  written bigint := 0;
begin
  for one in
    select distinct account from credits where remaining > 0 and expires_at <= clock_timestamp() order by account
  loop
    perform from accounts where id = one.account for update;
    perform expire_credits(one.account);
  end loop;
  update holds set state = 'orphaned' where state = 'pending' and expires_at < clock_timestamp();
  update slices set state = 'orphaned' where state = 'open' and expires_at < clock_timestamp();
  for one in
    select 'slice' as what, s.id::text as id, s.account from slices s
    where s.state = 'orphaned' and s.expires_at < clock_timestamp() - make_interval(secs => trace_hours * 3600)
    union all
    select 'hold', h.request::text, h.account from holds h
    where h.state = 'orphaned' and h.expires_at < clock_timestamp() - make_interval(secs => trace_hours * 3600)
    order by account, what, id
  loop
    select * into a from accounts where id = one.account for update;
    if one.what = 'slice' then
      select s.amount - s.used into free from slices s where s.id = one.id::bigint and s.state = 'orphaned' for update;
      continue when not found;
      update slices s set amount = s.used, state = 'closed' where s.id = one.id::bigint;
      update accounts set sliced = sliced - free where id = a.id;
    else
      update holds h set state = 'settled', settled = 0, changed_at = clock_timestamp()
      where h.request = one.id::uuid and h.state = 'orphaned' returning h.reserved into free;
      continue when not found;
      update accounts set pending = pending - free where id = a.id;
    end if;
    insert into ledger_transactions (workspace, cause, reference, reason)
    values (a.workspace, 'write_off', one.what || ':' || one.id, format('%s was held and left no trace of its use.', free));
    written := written + 1;
  end loop;
  return written;
end $$;

do $$
declare
  t text;
begin
  foreach t in array array['accounts', 'ledger_transactions', 'ledger_entries', 'credits', 'holds', 'slices', 'journal_fences'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy owner_all on %I to switchyard_owner using (true) with check (true)', t);
  end loop;
  foreach t in array array['accounts', 'ledger_transactions', 'ledger_entries', 'credits'] loop
    execute format('grant select on %I to switchyard_user', t);
    execute format($policy$create policy caller_reads on %I for select to switchyard_user using (
      (select holds('account:read', null)) or workspace in (select h from held('account:read') h where h is not null)
    )$policy$, t);
  end loop;
end $$;

revoke execute on function post_entries(), keep_fact(), account_for(text, text), left_of(accounts),
  post(accounts, text, numeric, bigint), burn_credits(bigint, numeric), expire_credits(bigint),
  record_money(text, text, text, numeric, integer, timestamptz, text, text, text), is_fenced(uuid, bigint),
  lease_slice(text, text, uuid, bigint, numeric, numeric, numeric, numeric, numeric, double precision),
  hold_money(uuid, bigint, uuid, bigint, numeric, double precision), void_hold(uuid), settle_usage(jsonb),
  journal_recovered(uuid, bigint), tidy_ledger(double precision) from public;
grant execute on function
  record_money(text, text, text, numeric, integer, timestamptz, text, text, text) to switchyard_user;
grant execute on function
  lease_slice(text, text, uuid, bigint, numeric, numeric, numeric, numeric, numeric, double precision),
  hold_money(uuid, bigint, uuid, bigint, numeric, double precision), void_hold(uuid) to switchyard_gateway;
-- Who settles asks who pays, and what by.
grant select (id, kind, place, name, version, spec) on resources to switchyard_ingest;
create policy settling_reads on resources for select to switchyard_ingest using (kind in ('Workspace', 'PriceBook'));
grant execute on function settle_usage(jsonb), journal_recovered(uuid, bigint) to switchyard_ingest;
grant execute on function tidy_ledger(double precision) to switchyard_control;
alter table usage_events
  add column hold text,
  drop constraint usage_events_end_reason_check,
  add constraint usage_events_end_reason_check check (end_reason in (
    'done', 'budget_cut', 'client_gone', 'caller_deadline', 'upstream_error', 'our_timeout', 'refused', 'guard_blocked',
    'drained', 'gateway_lost'));
