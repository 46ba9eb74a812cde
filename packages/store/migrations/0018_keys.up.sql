-- Versions of the master key. What they are is not here: each is wrapped by a root key outside of the database, so that
-- a copy of the database opens nothing. Also values of the installation itself, sealed like those of documents.

create table secret_keys (
  -- Told by the key's own bytes.
  id text primary key check (id ~ '^[0-9a-f]{16}$'),
  version integer not null unique check (version > 0),
  -- Which root key wraps it. Nothing is wrapped where the root key is this key itself, as before there were versions.
  root text not null check (root ~ '^[\x21-\x7e]{1,64}$'),
  wrapped bytea check (length(wrapped) between 1 and 65536),
  made_at timestamptz not null default clock_timestamp(),
  check (wrapped is not null or root = id)
);

insert into secret_keys (id, version, root)
select key_id, row_number() over (order by min(made_at) nulls first, key_id), key_id
from (
  select key_id, null::timestamptz as made_at from sealed_secrets
  union all
  select key_id, made_at from responses where key_id is not null
) used
group by key_id;

-- Nobody takes a version away that something is sealed under. Responses have no such reference: they come at the speed of
-- requests, and each would lock the one row. One that is lost is one that has lapsed.
alter table sealed_secrets
  add foreign key (key_id) references secret_keys,
  -- How often the field was written, bound into what is sealed; null in rows from before it was.
  add version integer check (version > 0);
grant insert (version), select (version) on sealed_secrets to switchyard_user;

create table sealed_values (
  name text primary key check (length(name) between 1 and 128),
  key_id text not null references secret_keys,
  wrapped bytea not null check (length(wrapped) = 12 + 32 + 16),
  sealed bytea not null check (length(sealed) > 12 + 16)
);
create index sealed_values_by_key on sealed_values (key_id);
create index responses_by_key on responses (key_id) where key_id is not null;

alter table secret_keys enable row level security, force row level security;
alter table sealed_values enable row level security, force row level security;
create policy owner_all on secret_keys to switchyard_owner using (true) with check (true);
create policy owner_all on sealed_values to switchyard_owner using (true) with check (true);

grant select, insert, delete, update (root, wrapped) on secret_keys to switchyard_secrets;
create policy secrets_all on secret_keys to switchyard_secrets using (true) with check (true);
grant select, insert, delete, update (key_id, wrapped) on sealed_values to switchyard_secrets;
create policy secrets_all on sealed_values to switchyard_secrets using (true) with check (true);

-- Whoever seals must know which is the newest, and nothing more of it.
grant select (id, version) on secret_keys to switchyard_user;
create policy caller_sees_which on secret_keys for select to switchyard_user
  using (exists (select from reach('create')) or exists (select from reach('update')));

-- The role that unseals brings responses too under a newer key, without what they say.
grant select (workspace, project, id, key_id, wrapped), update (key_id, wrapped) on responses to switchyard_secrets;
create policy secrets_read on responses for select to switchyard_secrets using (true);
create policy secrets_rewrap on responses for update to switchyard_secrets using (true) with check (true);

-- Where the private half of a signing key stood in clear: it is sealed from now on, as a value of the installation.
comment on column signing_keys.private_jwk is 'empty where the private half is among sealed_values';

create function audit_master_key() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  key secret_keys := coalesce(new, old);
begin
  perform audit(null, case tg_op when 'INSERT' then 'master_key.create' else 'master_key.delete' end,
    jsonb_build_object('kind', 'MasterKey', 'name', key.version::text, 'uid', key.id), jsonb_build_object('reason', key.root));
  return null;
end $$;
create trigger audit_master_key after insert or delete on secret_keys for each row execute function audit_master_key();

create function audit_value() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  perform audit(null, case tg_op when 'INSERT' then 'sealed_value.create' else 'sealed_value.delete' end,
    jsonb_build_object('kind', 'SealedValue', 'name', coalesce(new.name, old.name)), '{}');
  return null;
end $$;
create trigger audit_value after insert or delete on sealed_values for each row execute function audit_value();

-- Called in the transaction that reads it.
create function audit_unsealed_value(sealed_name text) returns void
language sql security definer set search_path = switchyard, pg_temp as $$
  select audit(null, 'sealed_value.unseal', jsonb_build_object('kind', 'SealedValue', 'name', sealed_name), '{}')
$$;
revoke execute on function audit_master_key(), audit_value(), audit_unsealed_value(text) from public;
grant execute on function audit_unsealed_value(text) to switchyard_secrets;
