drop trigger guard_vouching on resources;
drop function guard_vouching(), vouched_beyond(jsonb);
