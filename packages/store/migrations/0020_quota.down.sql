drop trigger quota_of_replica on resources;
drop trigger quota_of_endpoint on resources;
drop function check_quota(), asked_of(resources), quota_returns(text), quota_standing(text);
drop index resources_quota_taken;
drop policy caller_removes_above on resources;
drop policy caller_changes_above on resources;
drop policy caller_creates_above on resources;
alter table kinds drop column held_above;
