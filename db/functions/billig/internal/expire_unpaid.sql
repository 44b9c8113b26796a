create or replace function billig.expire_unpaid(p_sale_channel text, p_limit int)
returns table (purchase bigint, ticket bigint)
language plpgsql
as $$
#variable_conflict use_column
declare
    v_tickets bigint[];
begin
    perform books.check_count('p_limit', p_limit);
    v_tickets := array(
        select t.ticket
        from billig.ticket as t
        where
            t.ticket in (
                select u.ticket
                from billig.unpaid_ticket as u
                where u.sale_channel = p_sale_channel and u.held_until < now()
                order by u.ticket
                limit p_limit
            )
            and t.paid is null and t.refunded is null
        order by t.ticket
        for no key update of t skip locked
    );
    return query
    update billig.ticket as t
    set refunded = billig.local_time()
    where t.ticket = any (v_tickets)
    returning t.purchase, t.ticket;
end;
$$;

comment on function billig.expire_unpaid(text, int) is
'Lets unpaid tickets of a channel go whose time is over, save those that somebody is just paying. Works in one batch of p_limit.';
