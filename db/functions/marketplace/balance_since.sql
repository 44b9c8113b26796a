create or replace function marketplace.balance_since(p_gateway text, p_now timestamptz default null)
returns timestamptz
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_gateway', p_gateway);
    return (
        select least(
            coalesce(
                (select max(b.read_at) from marketplace.gateway_balance as b where b.gateway = g.gateway),
                -- Of what came before the first time, a person has booked the fees.
                greatest(
                    (
                        select max(m.moved_at) from marketplace.purse_movement as m
                        where m.purse = g.purse and m.kind = 'FEE' and m.entry is null
                    ),
                    least(n.made_at, f.opened_at)
                )
            ),
            jobs.server_time(p_now), clock_timestamp()
        ) - interval '1 hour'
        from marketplace.gateway as g
        cross join deploy.ledger as n
        left join marketplace.month as f on f.is_first
        where g.gateway = p_gateway and g.looks_up
    );
end;
$$;

comment on function marketplace.balance_since(text, timestamptz) is
'Since when a gateway is to be asked for the lines of its own account: since it told them last, or since a person last booked its fees, or since the ledger was made, less an hour. Null: it cannot be asked. 22023. May be null: the result.';
