create or replace function marketplace.own_adjustment()
returns table (
    adjustment bigint, side text, click_time timestamptz, ad_click bigint, old_transaction bigint,
    transaction bigint, amount numeric, reason text, made_at timestamptz
)
language sql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select
        j.adjustment, j.side, j.click_time, j.ad_click, j.old_transaction, j.transaction, j.amount, j.reason::text, j.made_at
    from marketplace.adjustment as j
    where j.profile = (select marketplace.own_profile());
end;

comment on function marketplace.own_adjustment() is
'A profile''s own adjustments. The profile is who logged in (marketplace.own_profile); of any other, nothing. NOK, signed as it is added.';
