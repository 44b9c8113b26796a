create or replace function marketplace.current_totals(p_profile bigint)
returns table (
    month date, advertisement_amount numeric, website_amount numeric, net_amount numeric, carried_in numeric, updated_at timestamptz
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
        m.month, coalesce(t.advertisement_amount, 0), coalesce(t.website_amount, 0), coalesce(t.net_amount, 0),
        coalesce(t.carried_in, 0), m.updated_at
    from marketplace.month as m
    left join marketplace.transaction as t on t.month = m.month and t.kind = 'MONTHLY' and t.profile = p_profile
    where m.closed_at is null;
end;
$$;

comment on function marketplace.current_totals(bigint) is
'A profile''s running month (M8): what its advertisements cost (positive), what its websites earn (negative), their sum, and what the month before left; NOK, as of updated_at. 42501 another''s; P0002 no such profile. May be null: updated_at.';
