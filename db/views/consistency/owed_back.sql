create or replace view consistency.owed_back as
select
    o.owed_back,
    o.amount,
    coalesce(p.amount, 0) as part_amount
from billig.owed_back as o
left join (
    select
        owed_back,
        sum(amount) as amount
    from billig.owed_back_part
    group by owed_back
) as p on o.owed_back = p.owed_back
where coalesce(p.amount, case o.kind when 'UNKNOWN' then o.amount else 0 end) <> o.amount;

comment on view consistency.owed_back is
'Money owed back is for tickets, save of UNKNOWN: its parts sum to it (NOK).';
