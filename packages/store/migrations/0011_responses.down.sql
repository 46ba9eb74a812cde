drop trigger drop_responses on resources;
drop function drop_responses(), prune_responses(bigint);
drop table responses;
