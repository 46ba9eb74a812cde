drop table invoice_numbers, invoice_lines, invoices;
drop sequence invoice_turns;
drop function keep_invoice(), tell_invoice(), may_become(text, text);
drop policy invoice_reads on usage_events;
revoke select on usage_events from switchyard_invoice;
alter table usage_events drop column taken_in;
revoke execute on function audit(text, text, jsonb, jsonb) from switchyard_invoice;
revoke usage on schema switchyard from switchyard_invoice;
