create or replace function marketplace.set_payment_means(
    p_profile bigint,
    p_kind text,
    p_gateway text,
    p_details jsonb,
    p_now timestamptz default null
)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_means bigint;
begin
    perform books.check_text('p_kind', p_kind, 'p_gateway', p_gateway);
    p_now := jobs.server_time(p_now);
    if
        p_kind is null or p_kind not in ('CHARGE', 'PAYOUT')
        or p_details is null or jsonb_typeof(p_details) <> 'object' or p_details = '{}'
        or p_details ?| array['metadata', 'description', 'transfer_group', 'execution_date', 'refunds']
        or exists (select from jsonb_each(p_details) as d where jsonb_typeof(d.value) <> 'string' or d.value = '""')
        or p_details ->> 'last_digits' !~ '^[0-9]{2,4}$' or p_details - 'last_digits' = '{}'
    then
        raise exception 'a means of payment is an object of texts' using
            errcode = '22023',
            detail = format('Profile %s, kind %L.', p_profile, p_kind),
            hint = 'CHARGE or PAYOUT, and what the gateway wants to know, such as {"customer": "...", "payment_method": "..."}.';
    end if;
    if not exists (select from marketplace.gateway_kind as g where g.gateway = p_gateway and g.kind = p_kind) then
        raise exception 'the gateway does not do that' using
            errcode = 'P0002',
            detail = format('Gateway %L, kind %s.', p_gateway, p_kind),
            hint = 'marketplace.gateway_kind says what each can do.';
    end if;
    -- One at a time a profile; its foreign keys wait for nobody.
    perform from marketplace.profile as p where p.profile = p_profile for no key update;
    if not found then
        raise exception 'no such profile' using
            errcode = 'P0002',
            detail = format('Profile %s.', p_profile),
            hint = 'Profiles are in marketplace.profile.';
    end if;
    update marketplace.payment_means as m
    set ended_at = p_now
    where
        m.profile = p_profile and m.kind = p_kind and m.ended_at is null
        and (m.gateway, m.details) is distinct from (p_gateway, p_details);
    select m.payment_means into v_means
    from marketplace.payment_means as m
    where m.profile = p_profile and m.kind = p_kind and m.ended_at is null;
    if not found then
        insert into marketplace.payment_means (profile, kind, gateway, details, set_at)
        values (p_profile, p_kind, p_gateway, p_details, p_now)
        returning payment_means into v_means;
    end if;
    return v_means;
end;
$$;

comment on function marketplace.set_payment_means(bigint, text, text, jsonb, timestamptz) is
'How a profile pays (CHARGE), or is paid (PAYOUT), from now on; its number, the old one''s if it is the same. What was declined with the old one, or was prepared and not sent, is tried with the new one by the next run. No card numbers: what the gateway calls the card; its last two to four digits may be told as last_digits, which no gateway is sent and means_of shows. 22023; 23B53 no bank can pay to the account: its check digits are wrong, or its holder has no name; P0002 no such profile, or the gateway does not do that.';
