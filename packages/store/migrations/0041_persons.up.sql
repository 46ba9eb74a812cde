-- What the trail tells of a person is sealed under a key of that person's own. Erasing somebody destroys the key: entries and
-- their hashes stay, and nobody reads any more whom they name.
create table audit_persons (
  id uuid primary key,
  -- HMAC-SHA-256 of who it is; of one that was erased only as long as late entries may come.
  mark bytea check (length(mark) = 32),
  key_id text references secret_keys,
  wrapped bytea check (length(wrapped) = 12 + 32 + 16),
  erased_at timestamptz,
  check ((key_id is null) = (wrapped is null) and (wrapped is null) = (erased_at is not null)),
  check (mark is not null or erased_at is not null)
);
create unique index audit_persons_standing on audit_persons (mark) where erased_at is null;
create index audit_persons_by_mark on audit_persons (mark);
create index audit_persons_by_key on audit_persons (key_id);
alter table audit_persons enable row level security, force row level security;
create policy owner_all on audit_persons to switchyard_owner using (true) with check (true);

grant select, insert on audit_persons to switchyard_audit;
create policy audit_reads on audit_persons for select to switchyard_audit using (true);
create policy audit_adds on audit_persons for insert to switchyard_audit with check (erased_at is null);
-- The role that unseals brings them under a newer key.
grant select (id, key_id, wrapped), update (key_id, wrapped) on audit_persons to switchyard_secrets;
create policy secrets_read on audit_persons for select to switchyard_secrets using (true);
create policy secrets_rewrap on audit_persons for update to switchyard_secrets using (erased_at is null) with check (erased_at is null);

create function audit_erased(ids uuid[]) returns void
language sql security definer set search_path = switchyard, pg_temp as $$
  update audit_persons set key_id = null, wrapped = null, erased_at = clock_timestamp() where id = any (ids) and erased_at is null
$$;

-- One whom the trail did not know of is kept as erased, for what comes late.
create function audit_erase(whose bytea) returns table (person uuid, known boolean)
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  if not holds('audit:erase', null) then
    raise exception using errcode = 'SY403', message = 'You need audit:erase on the platform.';
  end if;
  update audit_persons p set key_id = null, wrapped = null, erased_at = clock_timestamp()
    where p.mark = whose and p.erased_at is null returning p.id into person;
  known := person is not null;
  if not known then
    insert into audit_persons (id, mark, erased_at) values (gen_random_uuid(), whose, clock_timestamp()) returning id into person;
  end if;
  perform audit(null, 'audit.erase', jsonb_build_object('kind', 'Person', 'name', person), '{}');
  return next;
end $$;

create function audit_mails(users text[]) returns setof text
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  if not holds('audit:erase', null) then
    raise exception using errcode = 'SY403', message = 'You need audit:erase on the platform.';
  end if;
  return query select lower(r.spec ->> 'email') from resources r
    where r.kind = 'User' and r.name = any (users) and r.spec ->> 'email' is not null;
end $$;

-- Journals hold what is late for 35 days at most.
create function audit_forget() returns void
language sql security definer set search_path = switchyard, pg_temp as $$
  update audit_persons set mark = null where mark is not null and erased_at < clock_timestamp() - interval '35 days'
$$;
revoke execute on function audit_erased(uuid[]), audit_erase(bytea), audit_mails(text[]), audit_forget() from public;
grant execute on function audit_erase(bytea), audit_mails(text[]) to switchyard_user;
grant execute on function audit_erased(uuid[]), audit_forget() to switchyard_audit;
