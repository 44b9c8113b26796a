create or replace function marketplace.check_period(p_side text, p_from date, p_to date, p_step text, p_fills boolean default true)
returns void
language plpgsql immutable
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_side', p_side, 'p_step', p_step);
    perform books.check_day('p_from', p_from);
    perform books.check_day('p_to', p_to);
    if
        p_side is null or p_side not in ('ADVERTISEMENT', 'WEBSITE')
        or p_step is null or p_step not in ('hour', 'day', 'week', 'month')
        or p_from is null or p_to is null or not isfinite(p_from) or not isfinite(p_to)
        or p_from > p_to or (p_fills and p_to - p_from > case p_step when 'hour' then 100 else 4000 end)
    then
        raise exception 'ask for clicks by side, local days and step' using
            errcode = '22023',
            detail = format('Side %L, from %s until before %s, a %L.', p_side, p_from, p_to, p_step),
            hint = 'ADVERTISEMENT or WEBSITE; hour (at most 100 days), day, week or month (at most 4000 days).';
    end if;
end;
$$;

comment on function marketplace.check_period(text, date, date, text, boolean) is
'Refuses a question about clicks that makes no sense (22023). p_fills: each step is a row, clicks or none, so that too many are refused.';
