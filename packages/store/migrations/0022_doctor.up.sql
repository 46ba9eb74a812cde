-- Who looks whether the books are in order reads what it counts, and nothing that is a secret.

grant usage on schema switchyard to switchyard_doctor;
grant select on migrations to switchyard_doctor;
do $$
declare
  t text;
begin
  foreach t in array array['resources', 'changes', 'log_state', 'grants', 'secret_hashes', 'sealed_secrets', 'signing_keys',
    'usage_quarantine', 'ledger_entries', 'accounts', 'holds', 'slices', 'audit_head', 'audit_log', 'audit_pending'] loop
    execute format('create policy doctor_reads on %I for select to switchyard_doctor using (true)', t);
  end loop;
end $$;
grant select (id, kind, workspace, name, version, status) on resources to switchyard_doctor;
grant select (version) on changes to switchyard_doctor;
grant select (principal, permission, assignment) on grants to switchyard_doctor;
grant select (resource_id, field) on secret_hashes, sealed_secrets to switchyard_doctor;
-- Whether its private half is sealed, and not the half itself.
alter table signing_keys add column sealed boolean generated always as (private_jwk = '') stored;
grant select (kid, sealed) on signing_keys to switchyard_doctor;
grant select (reason, resolved_at) on usage_quarantine to switchyard_doctor;
grant select on log_state, ledger_entries, accounts, holds, slices, audit_head to switchyard_doctor;
grant select (seq) on audit_log to switchyard_doctor;
grant select on audit_pending to switchyard_doctor;
