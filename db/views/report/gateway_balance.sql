create or replace view report.gateway_balance as
select distinct on (b.gateway)
    b.gateway,
    g.purse,
    b.read_at,
    (b.available / 100.0)::numeric(14, 2) as available,
    (b.pending / 100.0)::numeric(14, 2) as pending,
    (b.books / 100.0)::numeric(14, 2) as books,
    ((b.available + b.pending - b.books) / 100.0)::numeric(14, 2) as difference,
    (select count(*) from marketplace.open_entry as e where e.gateway = b.gateway) as open_entries,
    b.job_run
from marketplace.gateway_balance as b
inner join marketplace.gateway as g on b.gateway = g.gateway
order by b.gateway asc, b.gateway_balance desc;

comment on view report.gateway_balance is
'What each gateway last said that it has of our money, and what it should have by our books, NOK. Why they differ: report.gateway_difference. A gateway that was never asked, or cannot be, has no row.';
comment on column report.gateway_balance.gateway is 'The gateway';
comment on column report.gateway_balance.purse is 'The purse that it uses (report.marketplace_purse)';
comment on column report.gateway_balance.read_at is 'When it was asked';
comment on column report.gateway_balance.available is 'NOK that can leave it now, as it says';
comment on column report.gateway_balance.pending is 'NOK that can later, as it says';
comment on column report.gateway_balance.books is 'NOK that it should have, by our books at that moment';
comment on column report.gateway_balance.difference is 'NOK: available and pending less books; above 0 it has more than we know of';
comment on column report.gateway_balance.open_entries is 'How many lines of its account nothing of ours explains';
comment on column report.gateway_balance.job_run is 'The run that asked (report.job_run)';
