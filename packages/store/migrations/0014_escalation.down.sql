drop trigger keep_admin on resources;
drop trigger keep_admin_gone on resources;
drop trigger guard_secret on secret_hashes;
drop trigger guard_rights on resources;
drop function keep_admin(), bears_admin(resources), has_admin(), guard_secret(), guard_rights(), check_account(text),
  lacks_of(text), check_key(text, jsonb, text), outside_scopes(jsonb);
drop table admin_state;
