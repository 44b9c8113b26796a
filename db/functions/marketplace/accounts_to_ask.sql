create or replace function marketplace.accounts_to_ask(p_gateway text, p_now timestamptz default null)
returns table (account text)
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_gateway', p_gateway);
    perform books.check_moment('p_now', p_now);
    return query
    select distinct m.details ->> 'destination'
    from marketplace.payment_means as m
    inner join marketplace.gateway as g on m.gateway = g.gateway
    where
        m.gateway = p_gateway and m.kind = 'PAYOUT' and m.ended_at is null and m.details ->> 'destination' <> ''
        and not exists (
            select
            from marketplace.means_status as s
            where s.payment_means = m.payment_means and s.heard_at > coalesce(p_now, now()) - g.account_wait
        )
    order by 1
    limit 100;
end;
$$;

comment on function marketplace.accounts_to_ask(text, timestamptz) is
'Accounts that people are paid to, and of which this gateway has not said for gateway.account_wait how they stand: what it calls them, at most a hundred at a time. record_account keeps what it says.';
