create or replace function marketplace.owed_by(p_profile bigint)
returns table (closed_amount numeric, running_amount numeric, refund_amount numeric, amount numeric)
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
begin
    perform marketplace.check_profile(p_profile);
    return query
    select s.closed_amount, s.running_amount, s.refund_amount, s.closed_amount + s.running_amount + s.refund_amount
    from (
        select
            coalesce(sum(t.left_amount) filter (where t.status in ('NEW', 'FAILED') and t.kind <> 'REFUND'), 0) as closed_amount,
            coalesce(sum(t.net_amount + t.carried_in + t.offset_in) filter (where t.status = 'CURRENT'), 0) as running_amount,
            coalesce(sum(t.left_amount) filter (where t.status in ('NEW', 'FAILED') and t.kind = 'REFUND'), 0) as refund_amount
        from marketplace.transaction as t
        where t.profile = p_profile
    ) as s;
end;
$$;

comment on function marketplace.owed_by(bigint) is
'What a profile owes in all (above 0), or is owed, NOK: closed_amount, left of closed months, corrections and what was given or asked by hand; running_amount, the running month so far, with what was carried into it, clicks of the last update included; refund_amount, what is to be given back to its card. amount is their sum. What a charge or payout is under way for is owed still. 42501 another''s; P0002 no such profile.';
