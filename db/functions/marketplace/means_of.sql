create or replace function marketplace.means_of(p_profile bigint)
returns table (
    payment_means bigint, kind text, gateway text, last_digits text, set_at timestamptz, ended_at timestamptz, ended_reason text
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
        m.payment_means, m.kind, m.gateway, right(coalesce(m.details ->> 'last_digits', m.details ->> 'iban'), 4), m.set_at,
        m.ended_at, m.ended_reason::text
    from marketplace.payment_means as m
    where m.profile = p_profile
    order by m.ended_at desc nulls first, m.kind, m.payment_means desc;
end;
$$;

comment on function marketplace.means_of(bigint) is
'How a profile pays and is paid, those in use first, with the last digits by which the person knows them: of an account its own, of a card what set_payment_means was told as last_digits. 42501 another''s; P0002 no such profile. May be null: last_digits, ended_at, ended_reason.';
