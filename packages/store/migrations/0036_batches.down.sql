drop policy ingest_adds on usage_events;
create policy ingest_adds on usage_events for insert to switchyard_ingest with check (true);
drop policy seal_reads on usage_events;
revoke select on usage_events from switchyard_seal;
-- Numbers of batches take the place of those of transactions, so that invoices count what they counted.
alter table usage_events add column taken_in xid8;
update usage_events set taken_in = batch::text::xid8;
alter table usage_events alter column taken_in set default pg_current_xact_id(), alter column taken_in set not null,
  drop column batch;
drop table usage_batches;
drop function keep_batch(), open_usage_batch(), close_usage_batch();
revoke usage on schema switchyard from switchyard_seal;
