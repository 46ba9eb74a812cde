-- What a guardrail has ended was refused, in the older words.
update usage_events set end_reason = 'refused' where end_reason = 'guard_blocked';
alter table usage_events
  drop column img_out_count,
  drop column img_out_px,
  drop column audio_in_ms,
  drop column char_in,
  drop column req,
  drop column doc_ranked,
  drop constraint usage_events_end_reason_check,
  add constraint usage_events_end_reason_check check (end_reason in (
    'done', 'client_gone', 'caller_deadline', 'upstream_error', 'our_timeout', 'refused', 'drained', 'gateway_lost'));
