-- Limits that several gateways share without Redis. Unlogged: a crash of the server empties them, as a lost
-- Redis would, and no request waits for a disk. Written through the functions alone.

create unlogged table limit_state (
  -- By byte order, in which every function locks: two can never wait for each other.
  key text collate "C" primary key,
  -- Rate: microseconds since 1970 at which it is empty. Quota: what was spent. Seats: 0, the row is their lock.
  value bigint not null default 0,
  -- Microseconds since 1970 from which the row says nothing; null is never.
  ends_us bigint
) with (fillfactor = 50); -- no index over what changes: an update stays on its page

create unlogged table limit_seats (
  key text collate "C" not null,
  claim text not null,
  ends_us bigint not null,
  primary key (key, claim)
);
create index limit_seats_by_claim on limit_seats (claim);

create unlogged table limit_claims (
  id text collate "C" primary key,
  -- A closed one counts no more: it is a booking, or was settled before it came.
  open boolean not null,
  ends_us bigint not null
);

do $$
declare
  t text;
begin
  foreach t in array array['limit_state', 'limit_seats', 'limit_claims'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy owner_all on %I to switchyard_owner using (true) with check (true)', t);
  end loop;
end $$;

create function limit_now() returns bigint
language sql volatile set search_path = switchyard, pg_temp as $$
  select (extract(epoch from clock_timestamp()) * 1000000)::bigint
$$;

-- Makes the rows that are missing and locks all, in the order of their keys; writes nothing that was there.
create function limit_lock(keys text[]) returns void
language sql volatile set search_path = switchyard, pg_temp as $$
  insert into limit_state (key) select k from unnest(keys) k order by k collate "C"
  on conflict (key) do update set value = 0 where false
$$;

-- said: 1 passed, 0 refused, -1 the id was used. filled is before the claim. costs are at most bounds.
create function limit_admit(
  claim text, types text[], keys text[], costs bigint[], bounds bigint[], resets bigint[],
  seat_us bigint, claim_us bigint, out said integer, out now_us bigint, out filled bigint[])
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  perform limit_lock(keys);
  now_us := limit_now();
  select coalesce(bool_and(b.cost = 0 or b.held + b.cost <= b.bound), true)::integer,
    coalesce(array_agg(b.held order by b.n), '{}')
  into said, filled
  from (
    select a.n, a.cost, a.bound, case a.type
      when 'rate' then greatest(0, s.value - now_us)
      when 'quota' then s.value
      else (select count(*) from limit_seats t where t.key = a.key and t.ends_us > now_us)
    end as held
    from unnest(types, keys, costs, bounds) with ordinality a(type, key, cost, bound, n)
    join limit_state s on s.key = a.key
  ) b;
  if said = 0 then
    return;
  end if;
  insert into limit_claims values (claim, true, now_us + claim_us) on conflict do nothing;
  if not found then
    said := -1;
    return;
  end if;
  update limit_state s set
    value = case a.type when 'rate' then greatest(s.value, now_us) else s.value end + a.cost,
    ends_us = case a.type when 'rate' then greatest(s.value, now_us) + a.cost else a.ends end
  from unnest(types, keys, costs, resets) a(type, key, cost, ends)
  where s.key = a.key and a.type <> 'seats' and a.cost > 0;
  insert into limit_seats select a.key, claim, now_us + seat_us
  from unnest(types, keys) a(type, key) where a.type = 'seats';
end $$;

-- Adds to rates and quotas, below 0 too but never below empty. A settlement frees the seats of its claim and
-- counts when that is open; a booking counts when its id is new.
create function limit_change(
  claim text, booking boolean, types text[], keys text[], amounts bigint[], resets bigint[], claim_us bigint)
returns boolean
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  now_us bigint := limit_now();
  was_open boolean;
begin
  if not booking then
    delete from limit_claims c where c.id = claim and c.open returning c.open into was_open;
  end if;
  if was_open is null then
    -- What is settled before it came cannot be admitted any more.
    insert into limit_claims values (claim, false, now_us + claim_us) on conflict do nothing;
    if not booking or not found then
      return false;
    end if;
  end if;
  perform limit_lock(keys);
  now_us := limit_now();
  update limit_state s set
    value = case a.type when 'rate' then now_us else 0 end + b.held,
    ends_us = case a.type when 'rate' then now_us + b.held else a.ends end
  from unnest(types, keys, amounts, resets) a(type, key, amount, ends)
  join limit_state o on o.key = a.key,
  lateral (select least(4503599627370496, greatest(0,
    case a.type when 'rate' then greatest(0, o.value - now_us) else o.value end + a.amount)) as held) b
  where s.key = a.key and a.type <> 'seats' and a.amount <> 0;
  delete from limit_seats t where t.claim = limit_change.claim;
  return true;
end $$;

-- Locks the claims first, as a settlement does, so that both touch seats one after the other.
create function limit_renew(claims text[], seats text[], keys text[], seat_us bigint, claim_us bigint) returns void
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  now_us bigint := limit_now();
  running text[];
begin
  select coalesce(array_agg(c.id), '{}') into running from (
    select id from limit_claims where id = any(claims) and open order by id for update
  ) c;
  update limit_claims set ends_us = now_us + claim_us where id = any(running);
  insert into limit_seats select a.key, a.claim, now_us + seat_us
  from unnest(seats, keys) a(claim, key) where a.claim = any(running)
  on conflict (key, claim) do update set ends_us = excluded.ends_us;
end $$;

-- Drops what says nothing any more; passes over what is in use.
create function limit_prune(most integer) returns bigint
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  now_us bigint := limit_now();
  gone bigint;
  total bigint;
begin
  delete from limit_seats where ctid = any(array(
    select ctid from limit_seats where ends_us < now_us limit most for update skip locked));
  get diagnostics total = row_count;
  delete from limit_claims where ctid = any(array(
    select ctid from limit_claims where ends_us < now_us limit most for update skip locked));
  get diagnostics gone = row_count;
  total := total + gone;
  delete from limit_state where ctid = any(array(
    select ctid from limit_state where ends_us < now_us or (ends_us is null and value = 0)
    limit most for update skip locked));
  get diagnostics gone = row_count;
  return total + gone;
end $$;

revoke execute on function limit_now(), limit_lock(text[]),
  limit_admit(text, text[], text[], bigint[], bigint[], bigint[], bigint, bigint),
  limit_change(text, boolean, text[], text[], bigint[], bigint[], bigint),
  limit_renew(text[], text[], text[], bigint, bigint), limit_prune(integer) from public;
grant execute on function
  limit_admit(text, text[], text[], bigint[], bigint[], bigint[], bigint, bigint),
  limit_change(text, boolean, text[], text[], bigint[], bigint[], bigint),
  limit_renew(text[], text[], text[], bigint, bigint), limit_prune(integer) to switchyard_gateway;
