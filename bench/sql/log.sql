-- A log of %(months)s months of %(month)s rows in time order, and nothing else in it: half the purchases on the web
-- (NET_SALE, NET_PAID), half at the stand, one in twenty refunded in the same month. Each ticket's rows stay within it.
alter table billig.transaction_log disable trigger user;
truncate billig.transaction_log;
drop index billig.transaction_log_ticket_idx, billig.transaction_log_payment_idx, billig.transaction_log_time_idx;
alter table billig.transaction_log drop constraint transaction_log_pkey;

insert into billig.transaction_log (
    transaction_log, transaction_time, transaction_date, ticket, purchase, payment,
    xact_id, era, login_role, transaction_type, seller, cash_point, first_of_payment,
    price_group, ticket_group, event, organisation, project,
    price, amount, vat_code, vat_rate, vat_amount, fee_amount, fee_vat_code, fee_vat_rate, fee_vat_amount
)
select
    r.i, r.happened, r.happened::date, r.ticket, r.ticket / 4, case when y.sign <> 0 then r.ticket / 4 * 2 + (y.sign < 0)::int end,
    '1000'::xid8, 1, 'perl', y.transaction_type, case when r.ticket %% 2 = 0 then 'seller' || r.ticket %% 40 end,
    case when r.ticket %% 2 = 0 then 1 end, false,
    o.price_group, o.ticket_group, o.event, o.organisation, o.project,
    o.price, y.sign * o.price, o.vat_code, o.vat_rate, y.sign * billig.vat_of(o.price, o.vat_rate),
    y.sign * o.fee, o.fee_vat_code, o.fee_vat_rate, y.sign * billig.vat_of(o.fee, o.fee_vat_rate)
from (
    select
        i, i * 2 / 3 as ticket,
        (date '2010-01-01' + make_interval(months => ((i - 1) / %(month)s)::int)
            + make_interval(secs => (i - 1) %% %(month)s * 2400000.0 / %(month)s))::timestamptz as happened
    from generate_series(1::bigint, %(months)s::bigint * %(month)s) as i
) as r
inner join (select *, price_group - 1 as n from billig.offer) as o on o.n = r.ticket / 4 %% 64
cross join lateral (
    select
        case
            when r.ticket %% 2 = 0 and r.i %% 20 = 0 then 2
            when r.ticket %% 2 = 0 then 1
            when r.i %% 2 = 0 then 6
            else 4
        end as transaction_type
) as k
inner join (values (1, 1), (2, -1), (4, 0), (6, 1)) as y (transaction_type, sign) using (transaction_type)
order by r.i;

alter table billig.transaction_log add constraint transaction_log_pkey primary key (transaction_log);
create index transaction_log_ticket_idx on billig.transaction_log (ticket);
create index transaction_log_payment_idx on billig.transaction_log (payment) where payment is not null;
create index transaction_log_time_idx on billig.transaction_log
using brin (transaction_date, transaction_time) with (pages_per_range = 32, autosummarize = on);
vacuum analyze billig.transaction_log;
checkpoint;
