create or replace function marketplace.own_statement()
returns table (
    transaction bigint, kind text, month date, status text, profile bigint, profile_name text,
    advertisement_amount numeric, website_amount numeric, net_amount numeric, carried_in numeric, corrected numeric,
    offset_in numeric, due_amount numeric, offset_amount numeric, settled numeric, left_amount numeric,
    carried_out numeric, minimum numeric, executed date, corrects bigint, reason text, advertisement_clicks bigint, website_clicks bigint
)
language sql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select
        t.transaction, t.kind, t.month, t.status, t.profile, p.profile_name::text, t.advertisement_amount, t.website_amount,
        t.net_amount, t.carried_in, t.corrected, t.offset_in, t.due_amount, t.offset_amount, t.settled, t.left_amount,
        t.carried_out, t.minimum, t.executed, t.corrects, t.reason::text, coalesce(s.advertisement_clicks, 0)::bigint,
        coalesce(s.website_clicks, 0)::bigint
    from marketplace.transaction as t
    inner join marketplace.profile as p on t.profile = p.profile
    left join lateral (
        select
            sum(x.advertisement_clicks) as advertisement_clicks,
            sum(x.website_clicks) as website_clicks
        from marketplace.transaction_subtotal as x
        where x.transaction = t.transaction
    ) as s on true
    where t.profile = (select marketplace.own_profile());
end;

comment on function marketplace.own_statement() is
'report.marketplace_transaction as a profile''s own role sees it. The profile is who logged in (marketplace.own_profile); of any other, nothing. NOK: above 0 the profile owes us. May be null: due_amount, left_amount, carried_out, minimum, executed, corrects, reason.';
