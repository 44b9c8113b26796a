create or replace function marketplace.past_transactions(p_profile bigint)
returns table (
    transaction bigint, kind text, month date, status text, advertisement_amount numeric, website_amount numeric, net_amount numeric,
    carried_in numeric, due_amount numeric, carried_out numeric, executed date, rolled_from bigint, rolled_to bigint, corrects bigint,
    offset_in numeric, offset_amount numeric, left_amount numeric
)
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
begin
    perform marketplace.check_profile(p_profile);
    return query
    select
        t.transaction, t.kind, t.month, t.status, t.advertisement_amount, t.website_amount, t.net_amount,
        t.carried_in, t.due_amount, t.carried_out, t.executed, t.rolled_from, t.rolled_to, t.corrects,
        t.offset_in, t.offset_amount, t.left_amount
    from marketplace.transaction as t
    where t.profile = p_profile and t.status <> 'CURRENT'
    order by t.month desc, t.transaction desc;
end;
$$;

comment on function marketplace.past_transactions(bigint) is
'A profile''s transactions of closed months, newest first; NOK, signed as in marketplace.transaction; left_amount is what was, or is to be, charged or paid after what was set off. 42501 another''s; P0002 no such profile. May be null: executed, rolled_from, rolled_to, corrects.';
