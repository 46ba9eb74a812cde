drop table login_failures, operator_token, setup_links, refresh_tokens, sessions, signing_keys;
