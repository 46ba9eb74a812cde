do $$
declare
  t text;
begin
  foreach t in array array['usage_events', 'usage_rollups', 'ledger_transactions', 'audit_counts', 'invoice_numbers', 'invoices'] loop
    execute format('revoke select on %I from switchyard_doctor', t);
    execute format('drop policy doctor_reads on %I', t);
  end loop;
end $$;
