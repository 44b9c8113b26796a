create or replace function marketplace.net_accounts(p_profiles bigint [], p_now timestamptz)
returns bigint
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
set enable_nestloop = on
as $$
declare
    v_month date;
    v_profiles bigint[];
    v_set_off bigint;
begin
    -- The open month stays open meanwhile.
    select m.month into v_month from marketplace.month as m where m.closed_at is null for share;
    v_profiles := array(
        select o.profile
        from marketplace.open_amount as o
        where (p_profiles is null or o.profile = any (p_profiles)) and o.kind <> 'REFUND'
        group by o.profile
        having min(o.amount) < 0 and max(o.amount) > 0
    );
    if v_month is null or v_profiles = '{}' then
        return 0;
    end if;
    -- One at a time an account: what is looked at from here on is not changed by others.
    perform from marketplace.profile as p where p.profile = any (v_profiles) order by p.profile for no key update;
    v_profiles := array(
        select n.profile
        from marketplace.nettable_amount as n
        where n.profile = any (v_profiles)
        group by n.profile
        having min(n.amount) < 0 and max(n.amount) > 0
    );
    -- What was not sent yet is made anew for what is left.
    update marketplace.payment_attempt as a
    set
        state = 'CANCELLED', event = 'cancelled', message = 'set off against another month', is_released = true,
        changed_at = p_now, resolved_at = p_now, next_retry_at = null
    where
        a.state = 'PREPARED'
        and a.payment_attempt in (
            select n.prepared from marketplace.nettable_amount as n where n.profile = any (v_profiles)
        );

    -- The oldest first: debts and claims of a profile laid side by side, as lengths, and cut where either ends.
    -- Person by person: of a join of all with all the planner expects one row, and would compare each with each.
    with person as (
        select
            i.profile,
            array_agg(i.transaction order by i.upto) filter (where i.is_debt) as debts,
            array_agg(i.amount order by i.upto) filter (where i.is_debt) as debt_amounts,
            array_agg(i.upto order by i.upto) filter (where i.is_debt) as debt_uptos,
            array_agg(i.transaction order by i.upto) filter (where not i.is_debt) as claims,
            array_agg(i.amount order by i.upto) filter (where not i.is_debt) as claim_amounts,
            array_agg(i.upto order by i.upto) filter (where not i.is_debt) as claim_uptos
        from (
            select
                n.transaction, n.profile, n.amount > 0 as is_debt, abs(n.amount) as amount,
                sum(abs(n.amount)) over (
                    partition by n.profile, n.amount > 0 order by n.month, n.transaction rows unbounded preceding
                ) as upto
            from marketplace.nettable_amount as n
            where n.profile = any (v_profiles) and n.prepared is null
        ) as i
        group by i.profile
    )

    insert into marketplace.set_off (profile, debt, claim, amount, made_at)
    select
        p.profile, d.transaction, c.transaction,
        least(d.upto, c.upto) - greatest(d.upto - d.amount, c.upto - c.amount),
        p_now
    from person as p
    cross join lateral unnest(p.debts, p.debt_amounts, p.debt_uptos) as d (transaction, amount, upto)
    cross join lateral unnest(p.claims, p.claim_amounts, p.claim_uptos) as c (transaction, amount, upto)
    where d.upto > c.upto - c.amount and c.upto > d.upto - d.amount
    order by p.profile, d.upto, c.upto;
    get diagnostics v_set_off = row_count;
    perform marketplace.roll_over_rest(v_month, v_profiles, p_now);
    return v_set_off;
end;
$$;

comment on function marketplace.net_accounts(bigint [], timestamptz) is
'Sets what profiles owe us against what we owe them, at once: closed months, what rolled over, corrections and what came back, the oldest first; of all profiles where p_profiles is null. How many rows of marketplace.set_off. What was prepared and not sent is called off first; what a gateway is at waits until it has answered. Looked up one by one, whatever its caller forbids. May be null: p_profiles.';
