create or replace function billig.over_limit(p_buyers text[], p_price_groups int[], p_more int[])
returns table (place bigint, price_group int, price_group_name text, held bigint, ticket_limit int)
language plpgsql
as $$
#variable_conflict use_column
begin
    -- One join for all of them: asked one by one, a plan made for an empty table would read all tickets for each.
    return query
    select w.place, w.price_group, o.price_group_name::text, coalesce(h.held, 0), o.ticket_limit
    from unnest(p_buyers, p_price_groups, p_more) with ordinality as w (buyer, price_group, more, place)
    inner join billig.offer as o on w.price_group = o.price_group
    left join (
        select u.place, count(*) as held
        from unnest(p_buyers, p_price_groups) with ordinality as u (buyer, price_group, place)
        inner join billig.purchase as p on u.buyer = p.buyer
        inner join billig.ticket as t on p.purchase = t.purchase and u.price_group = t.price_group
        where t.refunded is null
        group by u.place
    ) as h on w.place = h.place
    where coalesce(h.held, 0) + w.more > o.ticket_limit
    order by w.place;
end;
$$;

comment on function billig.over_limit(text[], int[], int[]) is
'Which of these buyers would hold more live tickets of a price group than its ticket_limit, had the i-th of p_buyers p_more of the i-th of p_price_groups; place: i. None: all may. It holds while the buyers'' turns do (billig.take_buyer_turn), and sees what those before in turn have committed.';
