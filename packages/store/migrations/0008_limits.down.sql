drop function limit_prune(integer), limit_renew(text[], text[], text[], bigint, bigint),
  limit_change(text, boolean, text[], text[], bigint[], bigint[], bigint),
  limit_admit(text, text[], text[], bigint[], bigint[], bigint[], bigint, bigint), limit_lock(text[]), limit_now();
drop table limit_claims, limit_seats, limit_state;
