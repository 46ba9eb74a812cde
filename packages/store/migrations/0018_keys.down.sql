-- What was sealed under a version that a root key wraps does not open after this: turn every value back first.
drop function audit_value, audit_master_key, audit_unsealed_value cascade;
comment on column signing_keys.private_jwk is null;
drop policy secrets_rewrap on responses;
drop policy secrets_read on responses;
revoke select (workspace, project, id, key_id, wrapped), update (key_id, wrapped) on responses from switchyard_secrets;
drop index responses_by_key;
drop table sealed_values;
alter table sealed_secrets drop column version, drop constraint sealed_secrets_key_id_fkey;
drop table secret_keys;
