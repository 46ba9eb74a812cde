-- When what happened within a request, as its gateway saw it. Events of before, and those of meters outside that do not tell
-- it, know none of it.
alter table usage_events
  -- Milliseconds from admission to the first token of a stream.
  add column first_token_ms integer check (first_token_ms >= 0),
  -- Tries at upstreams in order: [{"upstream", "outcome", "status", "startMs", "contentMs", "endMs"}].
  add column attempts jsonb check (jsonb_typeof(attempts) = 'array');
