-- When an endpoint that may sleep was last asked for: gateways mark it while requests come or wait, control reads how
-- long ago that was. One row for each such endpoint.

create table demand (
  workspace text not null check (workspace ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  endpoint text not null check (endpoint ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  wanted_at timestamptz not null default clock_timestamp(),
  -- Of the endpoint, and its generation, as control last saw it: another one counts as asked for.
  uid text,
  generation bigint,
  primary key (workspace, endpoint)
) with (fillfactor = 50); -- no index over what changes: an update stays on its page

alter table demand enable row level security, force row level security;
create policy owner_all on demand to switchyard_owner using (true) with check (true);

-- A gateway works for one workspace in each transaction, and sees no other.
grant select (workspace, endpoint), insert (workspace, endpoint), update (wanted_at) on demand to switchyard_gateway;
create policy gateway_works_for_one on demand to switchyard_gateway
  using (workspace = (select current_setting('switchyard.workspace', true)))
  with check (workspace = (select current_setting('switchyard.workspace', true)));

grant select, insert, update (wanted_at, uid, generation), delete on demand to switchyard_control;
create policy control_all on demand to switchyard_control using (true) with check (true);
