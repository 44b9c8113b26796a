-- analysis is the analysts' own: dropped only when they left nothing in it.
drop schema analysis;
drop schema report, consistency, billig cascade;
