create or replace function marketplace.verify_carry(p_month date)
returns table (profile bigint, transaction bigint, expected numeric, found numeric, detail text)
language plpgsql stable
set search_path = pg_catalog, marketplace, pg_temp
as $$
#variable_conflict use_column
begin
    -- What one month carries out, the next carries in; both of these months are looked at.
    return query
    select
        coalesce(n.profile, b.profile), coalesce(n.transaction, b.transaction),
        coalesce(b.carried_out, 0), coalesce(n.carried_in, 0),
        format('NOK carried out of %s, and into the next month', e.month)
    from marketplace.month as e
    inner join marketplace.month as f on e.month = f.previous_month
    cross join lateral (
        select t.profile
        from marketplace.transaction as t
        where t.month in (e.month, f.month) and t.kind = 'MONTHLY'
        group by t.profile
    ) as p
    left join marketplace.transaction as b on p.profile = b.profile and b.month = e.month and b.kind = 'MONTHLY'
    left join marketplace.transaction as n on p.profile = n.profile and n.month = f.month and n.kind = 'MONTHLY'
    where
        p_month in (e.month, f.month)
        and (
            coalesce(b.carried_out, 0) <> coalesce(n.carried_in, 0)
            or (b.status = 'ROLLED_OVER' and (b.rolled_to is distinct from n.transaction or n.rolled_from is distinct from b.transaction))
        );
end;
$$;

comment on function marketplace.verify_carry(date) is
'What a month or the one before carried out and the next did not carry in, NOK, one row per profile and pair of months. For verify_month alone.';
