-- Entries come nearly in the order of their times: a few ranges find them, and cost an insert next to nothing.
drop index audit_log_by_time;
create index audit_log_by_time on audit_log using brin (time) with (pages_per_range = 16);
