create or replace function books.taxed(
    p_organisation int, p_day date, p_vat_code smallint, p_vat_rate numeric, p_vat_amount numeric
)
returns table (vat_code smallint, vat_rate numeric, vat_amount numeric)
language sql stable parallel safe
rows 1
begin atomic
    select
        case when r.is_registered then p_vat_code else 7::smallint end,
        case when r.is_registered then p_vat_rate else 0 end,
        case when r.is_registered then p_vat_amount else 0 end
    from (
        select coalesce((
            select v.is_vat_registered
            from books.vat_registration as v
            where v.organisation = p_organisation and v.valid_from <= p_day
            order by v.valid_from desc, v.organisation_version desc
            limit 1
        ), true) as is_registered
        offset 0 -- a fence: looked up once for an organisation and day, not for each column
    ) as r;
end;

comment on function books.taxed(int, date, smallint, numeric, numeric) is
'VAT as the books have it: that of the log, code, rate and amount (NOK); of an organisation that is not registered for VAT on the day (books.organisation) none, under code 7, whatever the log holds. Where nothing is registered of an organisation, it is taken to be.';
