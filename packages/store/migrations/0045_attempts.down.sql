alter table usage_events drop column first_token_ms, drop column attempts;
