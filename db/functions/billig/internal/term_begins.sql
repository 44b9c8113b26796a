create or replace function billig.term_begins(p_day date, p_months int)
returns date
language plpgsql immutable
as $$
begin
    if p_day is null or p_day not between '2000-01-01' and '2100-01-01' or p_months is null or p_months not in (1, 2, 12)
    then
        raise exception 'a VAT term is of one, two or twelve months' using
            errcode = '22023',
            detail = format('Day %s, months %s.', coalesce(p_day::text, 'null'), coalesce(p_months::text, 'null')),
            hint = 'Name any day of the term, from 2000 to 2100; terms are of 2 months, or of 12 or 1.';
    end if;
    return make_date(
        extract(year from p_day)::int, (extract(month from p_day)::int - 1) / p_months * p_months + 1, 1
    );
end;
$$;

comment on function billig.term_begins(date, int) is
'The first day of the VAT term (of so many months) that a day lies in. 22023: no day, or another number of months.';
