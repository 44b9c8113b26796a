create or replace function marketplace.action_of(p_profile bigint)
returns table (
    payment_attempt bigint, transaction bigint, month date, amount numeric, gateway text, gateway_id text, client_secret text,
    redirect_url text, open_until timestamptz
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
        a.payment_attempt, a.transaction, t.month, a.amount / 100.0, a.gateway, a.gateway_id, x.client_secret, x.redirect_url,
        a.next_retry_at
    from marketplace.payment_attempt as a
    inner join marketplace.transaction as t on a.transaction = t.transaction
    left join marketplace.payment_action as x on a.payment_attempt = x.payment_attempt
    where a.profile = p_profile and a.state = 'REQUIRES_ACTION'
    order by a.payment_attempt;
end;
$$;

comment on function marketplace.action_of(bigint) is
'Charges of a profile that its card''s issuer asks it to confirm (3-D Secure), and what the site needs for it, as the gateway gave it: the client secret for the gateway''s script in the browser, or where to send the person. amount: NOK. Show it to that person alone. 42501 another''s; P0002 no such profile. May be null: gateway_id, client_secret, redirect_url, open_until.';
