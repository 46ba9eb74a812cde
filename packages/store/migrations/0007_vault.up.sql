-- Secrets that are given back in clear, such as a provider's key: only encrypted here, each under a data key of its
-- own that a master key outside of the database wraps. A copy of the database alone opens none of them.

create table sealed_secrets (
  resource_id uuid not null references resources on delete cascade,
  field text not null,
  kind text not null,
  workspace text,
  -- Which master key wraps the data key.
  key_id text not null check (key_id ~ '^[0-9a-f]{16}$'),
  -- AES-256-GCM: nonce (12 bytes), ciphertext, tag (16). Both are bound to document and field, so that a row
  -- that was copied to another place does not open there.
  wrapped bytea not null check (length(wrapped) = 12 + 32 + 16),
  sealed bytea not null check (length(sealed) > 12 + 16),
  primary key (resource_id, field)
);
create index sealed_secrets_by_key on sealed_secrets (key_id);
create index sealed_secrets_by_kind on sealed_secrets (kind);
create trigger place_beside before insert or update on sealed_secrets
  for each row execute function place_beside();

alter table sealed_secrets enable row level security, force row level security;
create policy owner_all on sealed_secrets to switchyard_owner using (true) with check (true);

-- A caller may put a secret where it may write the document, and may never read one: the select grant leaves
-- out what is sealed.
grant insert (resource_id, field, key_id, wrapped, sealed), delete, select (resource_id, field)
  on sealed_secrets to switchyard_user;
create policy caller_puts on sealed_secrets to switchyard_user
  using (may(kind, 'create', workspace) or may(kind, 'update', workspace))
  with check (may(kind, 'create', workspace) or may(kind, 'update', workspace));
create policy caller_sees_document on sealed_secrets as restrictive to switchyard_user
  using (exists (select from resources r where r.id = resource_id))
  with check (exists (select from resources r where r.id = resource_id));

-- The server's own role that unseals may also bring a row under a newer master key, and nothing else.
grant select, update (key_id, wrapped) on sealed_secrets to switchyard_secrets;
create policy secrets_read on sealed_secrets for select to switchyard_secrets using (true);
create policy secrets_rewrap on sealed_secrets for update to switchyard_secrets using (true) with check (true);
