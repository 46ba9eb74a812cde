-- What prices may go by beside the model: how a request was taken, where it was answered, and what answered it. Events of
-- before know none of it.
alter table usage_events
  add column tier text not null default 'standard' check (tier in ('standard', 'batch', 'priority', 'cache')),
  add column region text,
  -- WORKSPACE/NAME or platform/NAME; null where an endpoint answered, or nothing.
  add column provider text,
  -- By which the upstream knows the model.
  add column upstream_model text;
