create or replace function marketplace.adjust_click(
    p_profile bigint,
    p_click_time timestamptz,
    p_ad_click bigint,
    p_reason text,
    p_now timestamptz default null
)
returns table (
    adjustment bigint, side text, profile bigint, old_transaction bigint, transaction bigint, amount numeric
)
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_run bigint;
begin
    perform books.check_text('p_reason', p_reason);
    perform books.check_moment('p_click_time', p_click_time);
    p_now := jobs.server_time(p_now);
    v_run := marketplace.take_back_clicks(
        array[p_profile], array[p_click_time], array[p_ad_click], p_reason, null, false, false, p_now
    );
    return query
    select j.adjustment, j.side, j.profile, j.old_transaction, j.transaction, j.amount
    from marketplace.adjustment as j
    where j.update_run = v_run
    order by j.adjustment;
end;
$$;

comment on function marketplace.adjust_click(bigint, timestamptz, bigint, text, timestamptz) is
'Takes one click back, on both sides: adjust_clicks of one, and what became of it. The closed transactions stay as they are; the adjustment, one row per side, names the click and the old one. NOK, signed as it is added. 22023; P0002 no such click; 23B61 no month was ever open; 23B64 it is not settled yet; 23B65 it was taken back before.';
