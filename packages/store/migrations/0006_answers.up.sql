-- Answers to requests that carry an Idempotency-Key, kept in the transaction of the write that they answer, so
-- that the same request is carried out once, whichever process meets it again. Of each principal its own.

create table answers (
  principal text not null,
  key text not null check (length(key) between 1 and 255),
  -- HMAC-SHA256 of method, path and body under the installation's key: a body may hold a password.
  fingerprint text not null,
  at timestamptz not null default clock_timestamp(),
  -- {status, headers, body}, without what is shown once; null only until the write commits; json keeps the order of its keys.
  answer json,
  primary key (principal, key)
);
create index answers_by_time on answers (at);

alter table answers enable row level security, force row level security;
create policy owner_all on answers to switchyard_owner using (true) with check (true);
grant select, insert, update (fingerprint, at, answer) on answers to switchyard_user;
create policy caller_reads on answers for select to switchyard_user using (principal = (select principal()));
create policy caller_adds on answers for insert to switchyard_user with check (principal = (select principal()));
create policy caller_changes on answers for update to switchyard_user
  using (principal = (select principal())) with check (principal = (select principal()));

-- Control drops the old ones and reads none.
grant select (at), delete on answers to switchyard_control;
create policy control_sees_age on answers for select to switchyard_control using (true);
create policy control_prunes on answers for delete to switchyard_control using (true);
