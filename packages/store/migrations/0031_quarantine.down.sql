drop function resolve_quarantine(bigint[], text, text), explain_usage(text, uuid);
drop index usage_quarantine_open;
alter table usage_quarantine drop constraint usage_quarantine_resolution;
