-- What limits of money have counted outlives a crash of the database: they last for a month, and what was spent in it
-- would be given again. Seats lapse by themselves within seconds.
alter table limit_state set logged;
alter table limit_claims set logged;
