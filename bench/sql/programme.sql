-- 64 events in 9 projects, each with one large ticket group and one price group of the same number (1 to 64).
do $$
begin
    if not exists (select from pg_roles where rolname = 'bench_seller') then
        create role bench_seller login in role billig_seller;
    end if;
end;
$$;

insert into billig.project (project, project_name, organisation, vat_code)
select 100 + p, 'Project ' || p, 2, case when p = 9 then 3 else 6 end
from generate_series(1, 9) as p;

insert into billig.cash_point (cash_point, cash_point_name, organisation) values (1, 'Stand 1', 2);

-- The till that all are sold at: session 1.
select billig.till_open('bench_seller', 1);

insert into billig.event (event_name, event_time, organisation, project, ticket_fee, ticket_fee_vat_code, ticket_fee_vat_source)
select 'Event ' || e, localtimestamp + make_interval(days => e), 2, 101 + e % 9, 10, 3, 'the benchmark'
from generate_series(1, 64) as e;

insert into billig.ticket_group (event, ticket_group_name, num, ticket_limit)
select e.event, 'Hall', 20000000, null
from billig.event as e
order by e.event;

insert into billig.price_group (ticket_group, price_group_name, price)
select g.ticket_group, 'Ordinary', 110 + g.ticket_group
from billig.ticket_group as g
order by g.ticket_group;

analyze;
