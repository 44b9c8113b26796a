insert into commit_latency values (1);
