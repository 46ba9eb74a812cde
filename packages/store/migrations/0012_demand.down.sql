drop table demand;
