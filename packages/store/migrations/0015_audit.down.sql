drop trigger audit_change on changes;
drop trigger audit_secret on secret_hashes;
drop trigger audit_secret on sealed_secrets;
drop trigger audit_opened on sessions;
drop trigger audit_ended on sessions;
drop trigger audit_server_key on signing_keys;
drop trigger audit_server_key on operator_token;
drop function audit_prune(integer), audit_server_key(), audit_session(), audit_unsealed(text, text), audit_secret(),
  audit_change(), audited(jsonb, text[], boolean), audit(text, text, jsonb, jsonb);
drop table audit_checkpoints, audit_tiles, audit_counts, audit_head, audit_log, audit_pending;
revoke usage on schema switchyard from switchyard_audit;
