create or replace function marketplace.record_action(
    p_payment_attempt bigint, p_client_secret text, p_redirect_url text default null, p_now timestamptz default null
)
returns boolean
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_client_secret', p_client_secret, 'p_redirect_url', p_redirect_url);
    p_now := jobs.server_time(p_now);
    if coalesce(p_client_secret, '') = '' or length(p_redirect_url) > 500 or p_redirect_url !~ '^https?://[^[:space:]]+$' then
        raise exception 'no such action' using
            errcode = '22023',
            detail = format('Attempt %s.', p_payment_attempt),
            hint = 'The client secret as the gateway gave it, and the address, or none.';
    end if;
    -- An attempt that has gone on waits for nobody.
    insert into marketplace.payment_action (payment_attempt, client_secret, redirect_url, told_at)
    select a.payment_attempt, p_client_secret, p_redirect_url, p_now
    from marketplace.payment_attempt as a
    where a.payment_attempt = p_payment_attempt and a.state = 'REQUIRES_ACTION'
    on conflict (payment_attempt) do update
    set client_secret = excluded.client_secret, redirect_url = excluded.redirect_url, told_at = excluded.told_at;
    return found;
end;
$$;

comment on function marketplace.record_action(bigint, text, text, timestamptz) is
'Keeps what a gateway gave so that a card''s holder can confirm a charge, while its attempt waits for that; whether it does. For whoever records answers. 22023.';
