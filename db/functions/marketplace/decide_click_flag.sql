create or replace function marketplace.decide_click_flag(
    p_click_flag bigint, p_decision text, p_reason text, p_now timestamptz default null
)
returns table (excluded bigint, taken_back bigint)
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_flag marketplace.click_flag;
    v_of record;
begin
    perform books.check_text('p_decision', p_decision, 'p_reason', p_reason);
    p_now := jobs.server_time(p_now);
    if p_decision is null or p_decision not in ('ACCEPTED', 'EXCLUDED') or coalesce(p_reason, '') = '' then
        raise exception 'a flag is decided for a reason' using
            errcode = '22023',
            detail = format('Flag %s, decision %L, reason %L.', p_click_flag, p_decision, p_reason),
            hint = 'ACCEPTED: the clicks are honest; EXCLUDED: they are taken out, or back where their month is closed.';
    end if;
    perform marketplace.lock_open_month(null, p_now);
    select * into v_flag from marketplace.click_flag as f where f.click_flag = p_click_flag and f.decision is null for update;
    if not found then
        raise exception 'no such flag is open' using
            errcode = 'P0002',
            detail = format('Flag %s.', p_click_flag),
            hint = 'select * from report.click_flag where status = ''OPEN''; shows which are.';
    end if;
    excluded := 0;
    taken_back := 0;
    if p_decision = 'EXCLUDED' then
        for v_of in
            with clicked as materialized (
                select c.profile, c.click_time, c.ad_click, c.advertisement_charge_transaction as transaction
                from marketplace.ad_click as c
                where
                    c.profile = v_flag.profile and c.click_time >= v_flag.since and c.click_time < v_flag.until
                    and c.excluded_at is null
                    and case v_flag.kind
                        when 'OWN_SITE' then c.publisher = c.profile and c.website = v_flag.website
                        else c.advertisement = v_flag.advertisement and c.clicker = v_flag.clicker
                    end
            )

            select
                t.transaction is not null as is_settled, array_agg(k.profile) as profiles, array_agg(k.click_time) as click_times,
                array_agg(k.ad_click) as ad_clicks, count(*) as clicks
            from clicked as k
            left join marketplace.transaction as t on k.transaction = t.transaction and t.status <> 'CURRENT'
            where not exists (
                select from marketplace.adjustment as j
                where j.click_profile = k.profile and j.click_time = k.click_time and j.ad_click = k.ad_click
            )
            group by 1
        loop
            if v_of.is_settled then
                perform marketplace.adjust_clicks(
                    v_of.profiles, v_of.click_times, v_of.ad_clicks, p_reason, p_now => p_now
                );
                taken_back := v_of.clicks;
            else
                excluded := marketplace.exclude_clicks(
                    v_of.profiles, v_of.click_times, v_of.ad_clicks, p_reason, p_now
                );
            end if;
        end loop;
    end if;
    update marketplace.click_flag as f
    set decision = p_decision, reason = p_reason, decided_at = p_now, decided_by = session_user
    where f.click_flag = p_click_flag;
    return next;
end;
$$;

comment on function marketplace.decide_click_flag(bigint, text, text, timestamptz) is
'What a person finds of clicks that were flagged: ACCEPTED, they are honest and stay charged; or EXCLUDED, they are taken out of the open month (exclude_clicks), and taken back where their month is closed (adjust_clicks): how many of either. What was taken back before is left out. 22023; P0002 no such flag is open; 23B61 no month was ever open.';
