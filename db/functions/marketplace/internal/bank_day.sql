create or replace function marketplace.bank_day(p_day date, p_no_bank_day text)
returns date
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
return case
    when p_no_bank_day = 'SAME' then p_day
    else (
        select p_day + x.step * case p_no_bank_day when 'PREVIOUS' then -1 else 1 end
        from generate_series(0, 14) as x (step)
        where
            extract(isodow from p_day + x.step * case p_no_bank_day when 'PREVIOUS' then -1 else 1 end) < 6
            and not exists (
                select from marketplace.bank_holiday as h
                where h.holiday = p_day + x.step * case p_no_bank_day when 'PREVIOUS' then -1 else 1 end
            )
        order by x.step
        limit 1
    )
end;

comment on function marketplace.bank_day(date, text) is
'The day itself if banks work on it, else the NEXT or the PREVIOUS one on which they do; SAME: the day, whatever it is.';
