drop table key_uses;
