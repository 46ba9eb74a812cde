-- Who looks whether the books are in order reads too what usage was rated and summed to, and what was charged for it.
do $$
declare
  t text;
begin
  foreach t in array array['usage_events', 'usage_rollups', 'ledger_transactions', 'audit_counts'] loop
    execute format('create policy doctor_reads on %I for select to switchyard_doctor using (true)', t);
    execute format('grant select on %I to switchyard_doctor', t);
  end loop;
end $$;
