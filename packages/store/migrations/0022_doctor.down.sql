do $$
declare
  t text;
begin
  foreach t in array array['resources', 'changes', 'log_state', 'grants', 'secret_hashes', 'sealed_secrets', 'signing_keys',
    'usage_quarantine', 'ledger_entries', 'accounts', 'holds', 'slices', 'audit_head', 'audit_log', 'audit_pending'] loop
    execute format('drop policy doctor_reads on %I', t);
    execute format('revoke select on %I from switchyard_doctor', t);
  end loop;
end $$;
alter table signing_keys drop column sealed;
revoke select on migrations from switchyard_doctor;
revoke usage on schema switchyard from switchyard_doctor;
