create or replace view billig.net_confirmation as
select
    p.provider_reference,
    p.purchase,
    case when l.related_ticket is null then 'PAID' else 'RESOLD' end as result,
    l.ticket,
    l.related_ticket as replaces,
    l.amount + l.fee_amount as amount
from billig.payment as p
inner join billig.transaction_log as l on p.payment = l.payment
inner join billig.transaction_type as y on l.transaction_type = y.transaction_type
where p.provider_reference is not null and y.transaction_type_name = 'NET_PAID'
union all
select
    o.provider_reference,
    o.purchase,
    case o.kind when 'PART' then 'PART' else 'OWED' end,
    null,
    null,
    o.amount
from billig.owed_back as o
where o.reopens is null;

comment on view billig.net_confirmation is
'What became of the money of each payment that a provider confirmed: what confirm_net_payment answers, the first time and again.';
