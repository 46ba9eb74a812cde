alter table usage_events drop column tier, drop column region, drop column provider, drop column upstream_model;
