drop function audit_retain(integer);
drop function audit_retained();
drop table audit_retention;
