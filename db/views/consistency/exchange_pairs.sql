create or replace view consistency.exchange_pairs as
select
    t.ticket,
    t.exchange,
    'replaced_by and replaces do not name each other' as problem
from billig.ticket as t
left join billig.ticket as n on t.replaced_by = n.ticket
where t.replaced_by is not null and (n.replaces is distinct from t.ticket or n.exchange is null)
union all
select
    n.ticket,
    n.exchange,
    'replaces a ticket that does not say so'
from billig.ticket as n
inner join billig.ticket as o on n.replaces = o.ticket
where
    case
        when n.paid is not null and o.paid is null then o.refunded is null or o.sale_channel <> 'NET'
        else o.replaced_by is distinct from n.ticket
    end
union all
select
    l.ticket,
    l.exchange,
    'the log row of the other side is missing'
from billig.transaction_log as l
where
    l.exchange is not null
    and l.related_ticket is not null
    and not exists (
        select from billig.transaction_log as r
        where r.ticket = l.related_ticket and r.related_ticket = l.ticket and r.exchange = l.exchange
    )
union all
select
    null,
    x.exchange,
    'the exchange gives nothing back, or takes nothing'
from billig.exchange as x
left join billig.payment as p on x.exchange = p.exchange
left join billig.transaction_log as l on p.payment = l.payment and x.exchange = l.exchange
group by x.exchange
having
    count(*) filter (where billig.is_refund(l.transaction_type)) = 0
    or count(*) filter (where billig.is_sale(l.transaction_type)) = 0;

comment on view consistency.exchange_pairs is
'Exchanges are pairs (T6): the i-th old and the i-th new ticket name each other, in the tickets and in the log, and every exchange has both sides. A ticket sold for money that came too late names the lost one, which names nothing.';
