create or replace function marketplace.unsorted_clicks()
returns table (month date, clicks bigint, first_click_time timestamptz)
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select marketplace.month_of(c.click_time), count(*), min(c.click_time)
    from marketplace.ad_click_default as c
    group by marketplace.month_of(c.click_time);
end;
$$;

comment on function marketplace.unsorted_clicks() is
'Clicks in the default partition, by month. For consistency.marketplace_partition, whose readers may not read the clicks themselves.';
