-- What is metered and is no token: images, sound, characters, ranked documents, whole requests. And an end that the
-- journal has told all along: what a guardrail has ended was taken for poison.
alter table usage_events
  add column img_out_count bigint check (img_out_count >= 0),
  add column img_out_px bigint check (img_out_px >= 0),
  add column audio_in_ms bigint check (audio_in_ms >= 0),
  add column char_in bigint check (char_in >= 0),
  add column req bigint check (req >= 0),
  add column doc_ranked bigint check (doc_ranked >= 0),
  drop constraint usage_events_end_reason_check,
  add constraint usage_events_end_reason_check check (end_reason in (
    'done', 'client_gone', 'caller_deadline', 'upstream_error', 'our_timeout', 'refused', 'guard_blocked', 'drained',
    'gateway_lost'));
