create or replace function books.rate_on(p_vat_code smallint, p_day date)
returns numeric
language sql stable parallel safe
return (
    select r.rate
    from books.vat_rate as r
    where r.vat_code = p_vat_code and r.valid_from <= p_day
    order by r.valid_from desc
    limit 1
);

comment on function books.rate_on(smallint, date) is
'The rate of a VAT code on a day, per cent, as the rates are known now: of a ticket that of the day of delivery, its event''s day. Null where no rate is known for that day.';
