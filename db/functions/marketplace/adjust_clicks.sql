create or replace function marketplace.adjust_clicks(
    p_profiles bigint[],
    p_click_times timestamptz[],
    p_ad_clicks bigint[],
    p_reason text,
    p_side text default null,
    p_is_credited boolean default false,
    p_now timestamptz default null
)
returns table (side text, clicks bigint, amount numeric, credited numeric)
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_run bigint;
begin
    perform books.check_text('p_reason', p_reason, 'p_side', p_side);
    p_profiles := books.list('p_profiles', p_profiles);
    p_click_times := books.list('p_click_times', p_click_times);
    p_ad_clicks := books.list('p_ad_clicks', p_ad_clicks);
    p_now := jobs.server_time(p_now);
    v_run := marketplace.take_back_clicks(p_profiles, p_click_times, p_ad_clicks, p_reason, p_side, p_is_credited, p_is_credited, p_now);
    return query
    select j.side, count(*), sum(j.amount), sum(j.credited)
    from marketplace.adjustment as j
    where j.update_run = v_run
    group by j.side
    order by j.side;
end;
$$;

comment on function marketplace.adjust_clicks(bigint[], timestamptz[], bigint[], text, text, boolean, timestamptz) is
'Takes clicks back that were found invalid, or charged back, after their month was closed: all or none, in the open month; the closed ones stay as they are. p_side: ADVERTISEMENT (the advertiser has it back) or WEBSITE (its owner gives it back) alone; null: both. p_is_credited: the advertiser has had the money back already, by a refund say, and gets nothing again. One row per side: amount in NOK, signed as it is added; credited, NOK that had been given back by another road: what of a charge was refunded, is in dispute or lost is never given twice. What their owners owe, or are owed, is set off at once. 22023; P0002 no such click; 23B61 no month was ever open; 23B64 one is not settled yet; 23B65 one was taken back before. May be null: p_side.';
