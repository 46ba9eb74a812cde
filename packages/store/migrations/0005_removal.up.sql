-- What is being deleted goes in the very transaction that frees it: with the last document that refers to it, a
-- Workspace with the last document in it. Nobody has to come back for it, so nothing is left behind when a
-- server is killed in between.

create function purge(document uuid) returns void
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  going resources;
begin
  -- Most documents stay, and are not locked: whoever marks one locks what refers to it first.
  if not exists (select from resources
    where id = document and deleted_at is not null and metadata -> 'finalizers' = '[]'::jsonb) then
    return;
  end if;
  -- Two who free it at once wait here for each other; the later one sees what the earlier did.
  select * into going from resources where id = document for update;
  if not found
    or exists (select from refs where to_id = document and from_id <> document)
    or (going.kind = 'Workspace' and exists (select from resources where workspace = going.name)) then
    return;
  end if;
  delete from resources where id = document;
end $$;
revoke execute on function purge(uuid) from public;

create function free_target() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  -- Only a document that is gone frees what it referred to; one that is changed may refer to it again.
  if not exists (select from resources where id = old.from_id) then
    perform purge(old.to_id);
  end if;
  return null;
end $$;
create trigger free_target after delete on refs for each row execute function free_target();

create function free_workspace() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  perform purge(id) from resources where kind = 'Workspace' and place = '' and name = old.workspace;
  return null;
end $$;
create trigger free_workspace after delete on resources
  for each row when (old.workspace is not null) execute function free_workspace();

-- A Workspace is marked when all that people wrote in it is marked or gone, and goes at once when it is empty.
create function leave_workspace() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
begin
  if exists (select from resources r join kinds k on k.kind = r.kind
    where r.workspace = new.name and r.deleted_at is null and not k.system) then
    raise exception using errcode = 'SY409',
      message = format('Workspace %s holds documents that are not being deleted. Delete those too, or try again.', new.name);
  end if;
  perform purge(new.id);
  return null;
end $$;
create trigger leave_workspace after update on resources
  for each row when (new.kind = 'Workspace' and old.deleted_at is null and new.deleted_at is not null)
  execute function leave_workspace();

-- Nothing comes into a Workspace that is going, whoever writes it and whatever they may read.
create function keep_out() returns trigger
language plpgsql security definer set search_path = switchyard, pg_temp as $$
declare
  going timestamptz;
begin
  select deleted_at into going from resources
  where kind = 'Workspace' and place = '' and name = new.workspace for share;
  if going is not null then
    raise exception using errcode = 'SY409', message = format('Workspace %s is being deleted.', new.workspace);
  end if;
  return new;
end $$;
create trigger keep_out before insert on resources
  for each row when (new.workspace is not null) execute function keep_out();
