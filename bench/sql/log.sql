-- A log of %(months)s months of %(month)s rows in time order, in a database where nothing was sold. Each month is the same one again:
-- half the tickets on the web (NET_SALE, then NET_PAID), half at the stand, one in ten of those refunded.
-- Constraints and indexes are taken off for the time of loading. Four tickets are a transaction, of another cluster's:
-- the era after it is this one's.
alter table billig.transaction_log disable trigger user;
drop index
billig.transaction_log_ticket_idx, billig.transaction_log_payment_idx, billig.transaction_log_time_idx,
billig.transaction_log_xact_idx;
create temporary table taken_off as
select c.conname, pg_get_constraintdef(c.oid) as definition
from pg_constraint as c
where c.conrelid = 'billig.transaction_log'::regclass and c.conname in ('transaction_log_pkey', 'transaction_log_money_check');
alter table billig.transaction_log drop constraint transaction_log_pkey;
alter table billig.transaction_log drop constraint transaction_log_money_check;

create temporary table month_row as
select
    r.i, r.ticket, r.i * interval '2400000 s' / %(month)s as elapsed, k.transaction_type, k.sign,
    case when r.ticket %% 2 = 0 then 'seller' || r.ticket %% 40 end as seller,
    case when r.ticket %% 2 = 0 then 1 end as cash_point,
    o.price_group, o.ticket_group, o.event, o.organisation, o.project, o.price, o.vat_code, o.vat_rate,
    books.vat_of(o.price - o.fee, o.vat_rate) as vat, o.fee, o.fee_vat_code, o.fee_vat_rate,
    books.vat_of(o.fee, o.fee_vat_rate) as fee_vat
from (
    select i, i * 2 / 3 as ticket
    from generate_series(0, %(month)s - 1) as i
) as r
inner join billig.offer as o on o.price_group = 1 + r.ticket / 4 %% 64
cross join lateral (
    select
        case when r.ticket %% 2 = 0 and r.i %% 20 = 0 then 2 when r.ticket %% 2 = 0 then 1 when r.i %% 2 = 0 then 6 else 4 end
            as transaction_type,
        case when r.ticket %% 2 = 0 and r.i %% 20 = 0 then -1 when r.ticket %% 2 = 0 or r.i %% 2 = 0 then 1 else 0 end as sign
) as k
order by r.i;
analyze month_row;

do $$
declare
    v_first timestamp;
    v_before bigint;
begin
    for v_month in 0 .. %(months)s - 1 loop
        v_first := date '2010-01-01' + make_interval(months => v_month);
        v_before := v_month::bigint * %(month)s;
        insert into billig.transaction_log (
            transaction_log, transaction_time, transaction_date, ticket, purchase, payment,
            xact_id, era, login_role, transaction_type, seller, cash_point, first_of_payment,
            price_group, ticket_group, event, organisation, project,
            price, fee, amount, vat_code, vat_rate, vat_amount, fee_amount, fee_vat_code, fee_vat_rate, fee_vat_amount
        )
        select
            1 + v_before + m.i, v_first + m.elapsed, (v_first + m.elapsed)::date,
            v_before + m.ticket, (v_before + m.ticket) / 4, case when m.sign <> 0 then (v_before + m.ticket) / 4 end,
            (1 + (v_before + m.ticket) / 4)::text::xid8, 1, 'perl', m.transaction_type, m.seller, m.cash_point, m.sign <> 0,
            m.price_group, m.ticket_group, m.event, m.organisation, m.project,
            m.price, m.fee, m.sign * (m.price - m.fee), m.vat_code, m.vat_rate, m.sign * m.vat,
            m.sign * m.fee, m.fee_vat_code, m.fee_vat_rate, m.sign * m.fee_vat
        from month_row as m
        order by m.i;
    end loop;
end;
$$;

do $$
declare
    r record;
begin
    for r in select conname, definition from taken_off loop
        execute format('alter table billig.transaction_log add constraint %%I %%s', r.conname, r.definition);
    end loop;
end;
$$;
create index transaction_log_ticket_idx on billig.transaction_log (ticket);
create index transaction_log_payment_idx on billig.transaction_log (payment) where payment is not null;
create index transaction_log_time_idx on billig.transaction_log
using brin (transaction_date, transaction_time) with (pages_per_range = 32, autosummarize = on);
create index transaction_log_xact_idx on billig.transaction_log (era, xact_id);

-- What is sold from now on has numbers of its own.
select
    setval('billig.transaction_log_transaction_log_seq', max(transaction_log)),
    setval('billig.ticket_ticket_seq', max(ticket) + 1000000),
    setval('billig.payment_payment_seq', max(payment) + 1000000)
from billig.transaction_log;

insert into deploy.era (era, system_identifier)
select 2, e.system_identifier
from deploy.era as e
where e.era = 1;
