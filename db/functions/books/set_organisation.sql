create or replace function books.set_organisation(
    p_organisation int,
    p_legal_name text,
    p_organisation_number text,
    p_is_vat_registered boolean,
    p_valid_from date default null,
    p_is_in_business_register boolean default false,
    p_address text default null
)
returns int
language plpgsql security definer
set search_path = pg_catalog, books, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_number constant text := regexp_replace(p_organisation_number, '[\s\u00A0\u202F]', '', 'g');
    v_version int;
    v_broken text;
begin
    perform books.check_text('p_legal_name', p_legal_name, 'p_address', p_address);
    perform books.check_day('p_valid_from', p_valid_from);
    -- One after the other: versions become visible in the order of their numbers.
    lock table books.organisation in share row exclusive mode;
    insert into books.organisation as o (
        organisation, valid_from, legal_name, organisation_number, is_vat_registered, is_in_business_register, address
    )
    values (
        p_organisation, coalesce(p_valid_from, billig.local_time(clock_timestamp())::date), p_legal_name, v_number,
        p_is_vat_registered, p_is_in_business_register, p_address
    )
    returning o.organisation_version into v_version;
    return v_version;
exception
    when check_violation or not_null_violation then
        get stacked diagnostics v_broken = constraint_name;
        raise exception 'an organisation needs its legal name, a valid organisation number, and whether it is in the registers' using
            errcode = '22023',
            detail = format('Organisation %s, legal name %L, organisation number %L, address %L, valid from %s%s.',
                coalesce(p_organisation::text, '-'), p_legal_name, p_organisation_number, p_address,
                coalesce(p_valid_from::text, 'today'), coalesce('; ' || nullif(v_broken, ''), '')),
            hint = 'The number has nine digits, the last of them a check digit; texts are not blank, and have no control characters.';
    when foreign_key_violation then
        raise exception 'no such organisation' using
            errcode = 'P0002',
            detail = format('Organisation %s.', p_organisation),
            hint = 'Organisations are in billig.organisation.';
end;
$$;

comment on function books.set_organisation(int, text, text, boolean, date, boolean, text) is
'Registers what the law wants to be told of an organisation on its receipts, from a day on (today, if none is given): receipts that are printed from now on, of payments from that day on, say it; copies say what their original said. p_organisation_number: nine digits, spaces are left out. Returns the row of books.organisation. 22023: no legal name, no valid number (modulus 11), or a day before 2000 or after 2100; P0002: no such organisation.';
