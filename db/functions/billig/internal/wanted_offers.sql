create or replace function billig.wanted_offers(
    p_price_groups int[], p_counts int[],
    out price_groups int[], out counts int[], out offers billig.offer[], out total numeric
)
language plpgsql stable
as $$
declare
    v_valid boolean;
begin
    if cardinality(p_price_groups) = 1 and cardinality(p_counts) = 1 and p_counts[1] > 0 then
        price_groups := array[p_price_groups[1]];
        counts := array[p_counts[1]];
        -- joined, it goes by the keys, where a comparison would read small tables whole and hash them
        select array_agg(o) filter (where o.price_group is not null), sum(o.price * w.tickets)
        into offers, total
        from unnest(price_groups, counts) as w (price_group, tickets)
        left join billig.offer as o on w.price_group = o.price_group;
        return;
    end if;
    select
        array_agg(w.price_group), array_agg(w.tickets),
        array_agg(o) filter (where o.price_group is not null), sum(o.price * w.tickets),
        bool_and(w.is_valid)
    into price_groups, counts, offers, total, v_valid
    from (
        select u.price_group, sum(u.tickets)::int as tickets, bool_and(coalesce(u.tickets, 0) > 0) as is_valid
        from unnest(p_price_groups, p_counts) as u (price_group, tickets)
        group by u.price_group
        order by u.price_group
    ) as w
    left join billig.offer as o on w.price_group = o.price_group;
    if v_valid is not true or cardinality(p_price_groups) is distinct from cardinality(p_counts) then
        raise exception 'price groups and counts do not pair up' using
            errcode = '22023',
            detail = format('Price groups %s, counts %s.', p_price_groups, p_counts),
            hint = 'Pass one count, over 0, for each price group.';
    end if;
end;
$$;

comment on function billig.wanted_offers(int[], int[]) is
'What a purchase wants and what it would be sold as now: one price group, count and offer per element, in key order, and the total of NOK. Refuses (22023) price groups and counts that do not pair up. For create_purchase alone.';
