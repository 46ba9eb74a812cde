drop function audit_denied(jsonb);
drop table audit_journals;
