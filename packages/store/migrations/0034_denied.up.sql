-- Refusals of gateways come to the trail through their journals. How far each journal was read stands here, so that what is
-- sent again is told once.
create table audit_journals (
  journal uuid primary key,
  epoch bigint not null,
  number bigint not null check (number >= 0)
);
alter table audit_journals enable row level security, force row level security;
create policy owner_all on audit_journals to switchyard_owner using (true) with check (true);

-- Refusals and nothing else, each as {journal, epoch, number, entry}; those of one journal stand in their order.
create function audit_denied(denials jsonb) returns void
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  insert into audit_journals (journal, epoch, number)
    select distinct (d ->> 'journal')::uuid, 0, 0 from jsonb_array_elements(denials) d order by 1
    on conflict do nothing;
  -- By key, so that two that send the same wait for each other and never in a circle.
  perform from audit_journals j
    where j.journal in (select (d ->> 'journal')::uuid from jsonb_array_elements(denials) d) order by j.journal for update;
  insert into audit_pending (entry)
    select given.d -> 'entry' || '{"outcome": "denied"}'
    from jsonb_array_elements(denials) with ordinality given(d, place)
    join audit_journals j on j.journal = (given.d ->> 'journal')::uuid
    where ((given.d ->> 'epoch')::bigint, (given.d ->> 'number')::bigint) > (j.epoch, j.number)
    order by place;
  update audit_journals j set epoch = last.epoch, number = last.number
    from (
      select distinct on (1) (d ->> 'journal')::uuid as journal, (d ->> 'epoch')::bigint as epoch, (d ->> 'number')::bigint as number
      from jsonb_array_elements(denials) d order by 1, 2 desc, 3 desc
    ) last
    where j.journal = last.journal and (last.epoch, last.number) > (j.epoch, j.number);
end $$;
revoke execute on function audit_denied(jsonb) from public;
grant execute on function audit_denied(jsonb) to switchyard_ingest;
