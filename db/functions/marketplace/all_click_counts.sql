create or replace function marketplace.all_click_counts(
    p_profile bigint, p_side text, p_from date, p_to date, p_step text default 'day'
)
returns table (item bigint, item_name text, period_begins timestamptz, clicks bigint, amount numeric)
language sql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
begin atomic
    select c.item, c.item_name, c.period_begins, c.clicks, c.amount
    from marketplace.click_counts(p_profile, p_side, p_from, p_to, p_step) as c;
end;

comment on function marketplace.all_click_counts(bigint, text, date, date, text) is
'click_counts for those who may read reports, and not the clicks themselves. 22023. May be null: p_profile.';
