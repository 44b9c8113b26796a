create or replace function marketplace.roll_over_rest(p_month date, p_profiles bigint [], p_now timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_profiles bigint[];
begin
    v_profiles := array(
        select distinct n.profile
        from marketplace.nettable_amount as n
        inner join marketplace.transaction as t on n.transaction = t.transaction
        where
            n.profile = any (p_profiles) and n.status <> 'CURRENT' and n.prepared is null
            and (t.offset_amount <> 0 or t.kind = 'BROUGHT') and abs(n.amount) < t.minimum
    );
    if v_profiles = '{}' then
        return;
    end if;
    perform marketplace.ensure_transactions(p_month, v_profiles, p_now);
    insert into marketplace.set_off (profile, debt, claim, amount, made_at, is_rest)
    select
        n.profile,
        case when n.amount > 0 then n.transaction else c.transaction end,
        case when n.amount > 0 then c.transaction else n.transaction end,
        abs(n.amount), p_now, true
    from marketplace.nettable_amount as n
    inner join marketplace.transaction as t on n.transaction = t.transaction
    inner join marketplace.transaction as c
        on n.profile = c.profile and c.month = p_month and c.kind = 'MONTHLY' and c.status = 'CURRENT'
    where
        n.profile = any (v_profiles) and n.status <> 'CURRENT' and n.prepared is null
        and (t.offset_amount <> 0 or t.kind = 'BROUGHT') and abs(n.amount) < t.minimum
    order by n.transaction;
end;
$$;

comment on function marketplace.roll_over_rest(date, bigint [], timestamptz) is
'What netting has left of a month, or a balance that was brought over, and is below its minimum, goes to the open one: it is neither charged nor paid alone. For net_accounts and book_by_hand, which hold the accounts.';
