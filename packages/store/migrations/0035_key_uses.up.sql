-- When each API key was last used, to the minute. Gateways and the control plane tell it every few seconds for all keys
-- together; it stands beside the documents, because a document that changes is told to every process.

create table key_uses (
  key_id uuid primary key references resources on delete cascade,
  used_at timestamptz not null
) with (fillfactor = 50); -- no index over what changes: an update stays on its page

alter table key_uses enable row level security, force row level security;
create policy owner_all on key_uses to switchyard_owner using (true) with check (true);

grant select, insert, update (used_at) on key_uses to switchyard_gateway;
create policy gateway_tells on key_uses to switchyard_gateway using (true) with check (true);

grant select on key_uses to switchyard_control;
create policy control_reads on key_uses for select to switchyard_control using (true);
