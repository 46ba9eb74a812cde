drop table sealed_secrets;
