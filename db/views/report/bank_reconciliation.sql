create or replace view report.bank_reconciliation as
select
    s.day,
    s.project,
    p.project_name,
    s.route_name,
    s.payment_method,
    count(distinct s.expected) as items,
    sum(s.goods)::numeric(14, 2) as goods,
    sum(s.amount)::numeric(14, 2) as amount,
    sum(s.amount - s.fee - s.difference - s.opened)::numeric(14, 2) as received_amount,
    sum(s.fee)::numeric(14, 2) as fee_amount,
    sum(s.difference + s.opened)::numeric(14, 2) as difference_amount,
    sum(s.opened)::numeric(14, 2) as open_amount,
    max(s.age) as age
from (
    -- What a match has of fees and differences is shared by amount, to the øre.
    select
        i.expected,
        i.day,
        w.project,
        i.route_name,
        i.payment_method,
        i.age,
        w.goods,
        w.amount,
        books.share_of(i.fee_amount, w.upto, w.weight, w.weights) as fee,
        books.share_of(i.difference_amount - i.open_amount, w.upto, w.weight, w.weights) as difference,
        case
            when i.open_amount = i.amount then w.amount
            else books.share_of(i.open_amount, w.upto, w.weight, w.weights)
        end as opened
    from report.bank_item as i
    cross join lateral (
        select
            g.project,
            g.goods,
            g.amount,
            g.weight,
            sum(g.weight) over (order by g.turn) as upto,
            sum(g.weight) over () as weights
        from (
            -- by amount, whichever way it goes; where nothing is to come, the first has it all
            select
                h.project,
                h.goods,
                h.amount,
                h.turn,
                case
                    when sum(abs(h.amount)) over () <> 0 then abs(h.amount)
                    else (row_number() over (order by h.turn) = 1)::int::numeric
                end as weight
            from (
                -- A payment by two methods: each has its part of every ticket.
                select
                    t.project,
                    t.goods,
                    t.goods as amount,
                    t.turn
                from (
                    select
                        d.project,
                        books.share_of(1, sum(d.goods) over (order by d.project), d.goods, 1) as goods,
                        row_number() over (order by d.project) as turn
                    from (
                        select
                            b.project,
                            sum(coalesce(l.amount * b.amount / nullif(b.total, 0), l.amount)) as goods
                        from bank.expected_line as e
                        inner join billig.payment_line as l
                            on e.payment = l.payment and e.payment_method = l.payment_method and e.line = l.line
                        left join lateral (
                            select
                                k.project,
                                sum(k.amount + k.fee_amount) as amount,
                                sum(sum(k.amount + k.fee_amount)) over () as total
                            from billig.transaction_log as k
                            where k.payment = e.payment
                            group by k.project
                        ) as b on true
                        where e.expected = i.expected
                        group by b.project
                    ) as d
                ) as t
                union all
                -- what no ticket is behind: cash differences, pay-ins and pay-outs, the float; money owed back; the marketplace
                select
                    null,
                    case when i.payment_attempt is null then 0 else i.goods end,
                    i.amount - case when i.payment_attempt is null then i.goods else 0 end,
                    0
                where
                    i.amount <> i.goods or i.payment_attempt is not null
                    -- an item of nothing may have a share of a fee
                    or (i.fee_amount <> 0 or i.difference_amount <> 0)
                    and not exists (select from bank.expected_line as e where e.expected = i.expected)
            ) as h
        ) as g
    ) as w
) as s
left join billig.project as p on s.project = p.project
group by s.day, s.project, p.project_name, s.route_name, s.payment_method;

comment on view report.bank_reconciliation is
'Goods out against the bank (T12), by day, project and payment method, NOK: goods were paid for, amount was to come, and is received_amount + fee_amount + difference_amount. The items behind it are report.bank_item, their tickets report.bank_ticket. An item of several projects is shared by what its tickets cost, to the øre. project: null for the marketplace, and for money that no ticket is behind: cash differences, pay-ins and pay-outs, what came too late and is owed back; payment_method: null for the marketplace; age: days since day that the oldest item is open, 0: none is.';
comment on column report.bank_reconciliation.day is 'Local day of the goods; of a till session, that of its close';
comment on column report.bank_reconciliation.project is 'UKE project; null: the marketplace, and money with no ticket behind it';
comment on column report.bank_reconciliation.project_name is 'Its name, as it is now; null: no project';
comment on column report.bank_reconciliation.route_name is 'How it reaches the bank';
comment on column report.bank_reconciliation.payment_method is 'Name of the means of payment; null: money of the marketplace';
comment on column report.bank_reconciliation.items is 'Items that it is of, whole or in part';
comment on column report.bank_reconciliation.goods is 'NOK of payments';
comment on column report.bank_reconciliation.amount is 'NOK to come, before fees: goods, and cash differences, pay-ins, pay-outs and money owed back';
comment on column report.bank_reconciliation.received_amount is 'NOK at the bank, by approved matches';
comment on column report.bank_reconciliation.fee_amount is 'NOK that acquirers kept back, by approved matches';
comment on column report.bank_reconciliation.difference_amount is 'NOK that did not come and were not a fee; negative: too much came';
comment on column report.bank_reconciliation.open_amount is 'NOK of difference_amount that no approved match has';
comment on column report.bank_reconciliation.age is 'Days since day that the oldest item has been open; 0: none is open';
