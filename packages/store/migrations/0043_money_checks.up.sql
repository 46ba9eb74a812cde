-- The doctor looks at what usage came to, beside the price that it came to it by.
grant select (id, book, rate) on price_rates to switchyard_doctor;
grant select (id, spec) on price_books to switchyard_doctor;
create policy doctor_reads on price_rates for select to switchyard_doctor using (true);
create policy doctor_reads on price_books for select to switchyard_doctor using (true);
