alter table limit_claims set unlogged;
alter table limit_state set unlogged;
