create or replace function books.organisation_on(p_day date)
returns table (
    organisation int, legal_name text, organisation_number text, is_vat_registered boolean,
    is_in_business_register boolean, address text, valid_from date, set_by text, set_at timestamptz
)
language sql stable security definer rows 2
set search_path = pg_catalog, books, pg_temp
set datestyle = 'ISO, MDY'
begin atomic
    select distinct on (o.organisation)
        o.organisation, o.legal_name, o.organisation_number, o.is_vat_registered, o.is_in_business_register,
        o.address, o.valid_from, o.set_by, o.set_at
    from books.organisation as o
    where o.valid_from <= p_day
    order by o.organisation, o.valid_from desc, o.organisation_version desc;
end;

comment on function books.organisation_on(date) is
'What books.organisation says of each organisation on a local day; none where nothing is registered by then. May be null: address.';
