drop function audit_forget();
drop function audit_mails(text[]);
drop function audit_erase(bytea);
drop function audit_erased(uuid[]);
drop table audit_persons;
