drop index audit_log_by_time;
create index audit_log_by_time on audit_log (time);
