create or replace view report.bank_reconciliation as
select
    s.day,
    s.project,
    p.project_name,
    s.road_name,
    s.payment_method,
    count(*) as items,
    sum(s.goods)::numeric(14, 2) as goods,
    sum(s.amount)::numeric(14, 2) as amount,
    sum(s.received)::numeric(14, 2) as received_amount,
    sum(s.fee)::numeric(14, 2) as fee_amount,
    sum(s.amount - s.received - s.fee)::numeric(14, 2) as difference_amount,
    sum(s.opened)::numeric(14, 2) as open_amount,
    max(s.age) as age
from (
    -- Each share is what is due up to it less what is due before it, so that they sum to the whole, to the øre.
    select
        i.day,
        w.project,
        i.road_name,
        i.payment_method,
        i.age,
        round(i.goods * w.upto, 2) - round(i.goods * w.before, 2) as goods,
        round(i.amount * w.upto, 2) - round(i.amount * w.before, 2) as amount,
        round(i.received_amount * w.upto, 2) - round(i.received_amount * w.before, 2) as received,
        round(i.fee_amount * w.upto, 2) - round(i.fee_amount * w.before, 2) as fee,
        round(i.open_amount * w.upto, 2) - round(i.open_amount * w.before, 2) as opened
    from report.bank_item as i
    cross join lateral (
        select
            g.project,
            coalesce(sum(g.weight) over (w order by g.project) / nullif(sum(g.weight) over w, 0), 1) as upto,
            coalesce(
                (sum(g.weight) over (w order by g.project) - g.weight) / nullif(sum(g.weight) over w, 0),
                case row_number() over (w order by g.project) when 1 then 0 else 1 end
            ) as before
        from (
            -- A payment by two methods: each has its part of every ticket.
            select
                t.project,
                sum(coalesce(l.amount * t.amount / nullif(t.total, 0), l.amount)) as weight
            from bank.expected_line as e
            inner join billig.payment_line as l on e.payment = l.payment and e.payment_method = l.payment_method
            left join lateral (
                select
                    b.project,
                    sum(b.amount + b.fee_amount) as amount,
                    sum(sum(b.amount + b.fee_amount)) over () as total
                from billig.transaction_log as b
                where b.payment = e.payment
                group by b.project
            ) as t on true
            where e.expected = i.expected
            group by t.project
            union all
            select
                null,
                1
            where not exists (select from bank.expected_line as e where e.expected = i.expected)
        ) as g
        window w as ()
    ) as w
) as s
left join billig.project as p on s.project = p.project
group by s.day, s.project, p.project_name, s.road_name, s.payment_method;

comment on view report.bank_reconciliation is
'Goods out against the bank (T12), by day, project and payment method, NOK: goods were paid for, amount was to come, and is received_amount + fee_amount + difference_amount. The items behind it are report.bank_item, their tickets report.bank_ticket. An item of several projects is shared by what its tickets cost, to the øre. project: null for the marketplace, and for money that no ticket is behind; payment_method: null for the marketplace; age: days since day that the oldest item is open, 0: none is.';
comment on column report.bank_reconciliation.items is 'Items that it is of, whole or in part';
comment on column report.bank_reconciliation.goods is 'NOK of payments';
comment on column report.bank_reconciliation.amount is 'NOK to come, before fees: goods, and cash differences, pay-ins and pay-outs';
comment on column report.bank_reconciliation.received_amount is 'NOK at the bank, by approved matches';
comment on column report.bank_reconciliation.fee_amount is 'NOK that acquirers kept back, by approved matches';
comment on column report.bank_reconciliation.difference_amount is 'NOK that did not come and were no fee; negative: too much came';
comment on column report.bank_reconciliation.open_amount is 'NOK of difference_amount that no approved match has';
