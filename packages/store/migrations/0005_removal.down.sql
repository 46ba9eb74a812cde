drop trigger keep_out on resources;
drop trigger leave_workspace on resources;
drop trigger free_workspace on resources;
drop trigger free_target on refs;
drop function keep_out(), leave_workspace(), free_workspace(), free_target(), purge(uuid);
