drop trigger devices_gone on resources;
drop trigger devices_released on resources;
drop trigger devices_taken on resources;
drop function release_devices(), take_devices(), reserved_memory(text);
drop table held_devices;
