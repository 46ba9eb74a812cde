-- Who looks whether the books are in order reads too what usage was rated and summed to, and what was charged for it.
do $$
declare
  t text;
begin
  foreach t in array array['usage_events', 'usage_rollups', 'ledger_transactions', 'audit_counts', 'invoice_numbers', 'invoices'] loop
    execute format('create policy doctor_reads on %I for select to switchyard_doctor using (true)', t);
    continue when t = 'invoices';
    execute format('grant select on %I to switchyard_doctor', t);
  end loop;
end $$;
grant select (entity, kind, year, place) on invoices to switchyard_doctor;
