drop policy doctor_reads on price_books;
drop policy doctor_reads on price_rates;
revoke select (id, spec) on price_books from switchyard_doctor;
revoke select (id, book, rate) on price_rates from switchyard_doctor;
