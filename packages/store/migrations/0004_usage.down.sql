drop table usage_quarantine, usage_events;
