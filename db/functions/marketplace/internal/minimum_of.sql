create or replace function marketplace.minimum_of(p_direction text, p_month date)
returns numeric
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
return coalesce((
    select m.amount
    from marketplace.minimum_amount as m
    where m.direction = p_direction and m.valid_from <= p_month
    order by m.valid_from desc
    limit 1
), 0);

comment on function marketplace.minimum_of(text, date) is
'The least amount that is executed for a month, NOK, positive; p_direction CHARGE or PAYOUT. 0 where none is set.';
