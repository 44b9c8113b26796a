create or replace function marketplace.end_payment_means(
    p_profile bigint,
    p_kind text,
    p_reason text,
    p_now timestamptz default null
)
returns void
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_kind', p_kind, 'p_reason', p_reason);
    p_now := jobs.server_time(p_now);
    if p_kind is null or p_kind not in ('CHARGE', 'PAYOUT') or coalesce(p_reason, '') = '' then
        raise exception 'a means of payment is ended for a reason' using
            errcode = '22023',
            detail = format('Profile %s, kind %L, reason %L.', p_profile, p_kind, p_reason),
            hint = 'CHARGE or PAYOUT, and why.';
    end if;
    perform from marketplace.profile as p where p.profile = p_profile for no key update;
    update marketplace.payment_means as m
    set ended_at = p_now, ended_reason = p_reason
    where m.profile = p_profile and m.kind = p_kind and m.ended_at is null;
    if not found then
        raise exception 'the profile has no such means of payment' using
            errcode = 'P0002',
            detail = format('Profile %s, %s.', p_profile, p_kind),
            hint = 'select * from marketplace.payment_means where ended_at is null; shows who has which.';
    end if;
end;
$$;

comment on function marketplace.end_payment_means(bigint, text, text, timestamptz) is
'Ends the card (CHARGE) or account (PAYOUT) of a profile, with no other in its place: what was prepared with it and not sent is called off, and waits (NO_MEANS) until set_payment_means says another, or the same one again. What a gateway is at goes on, and a charge is given back to the card that paid it. 22023; P0002 there is none.';
