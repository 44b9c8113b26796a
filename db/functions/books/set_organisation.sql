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
    v_number constant text := regexp_replace(p_organisation_number, E'[[:space:]\u00A0\u202F]', '', 'g');
    v_valid_from constant date := coalesce(p_valid_from, billig.local_time(clock_timestamp())::date);
    v_version int;
    v_broken text;
begin
    perform books.check_text('p_legal_name', p_legal_name, 'p_address', p_address);
    perform books.check_day('p_valid_from', p_valid_from);
    perform billig.need_read_committed();
    -- One after the other: versions become visible in the order of their numbers.
    lock table books.organisation in share row exclusive mode;
    -- A period that is being closed waits for this, or this for it; what closed meanwhile must be seen.
    lock table books.accounting_period in share mode;
    -- Where nothing is registered, books.taxed takes it to be in the VAT register.
    if v_valid_from < books.first_open_day(p_organisation) and p_is_vat_registered <> coalesce((
        select o.is_vat_registered
        from books.organisation_on(v_valid_from) as o
        where o.organisation = p_organisation
    ), true) then
        raise exception 'the VAT of a closed period stays as it is' using
            errcode = '22023',
            detail = format('Organisation %s is %sin the VAT register from %s on; the first open day is %s.', p_organisation,
                case when p_is_vat_registered then '' else 'not ' end, v_valid_from, books.first_open_day(p_organisation)),
            hint = 'Let it apply from an open day on; VAT of closed ones is corrected with the tax administration.';
    end if;
    insert into books.organisation as o (
        organisation, valid_from, legal_name, organisation_number, is_vat_registered, is_in_business_register, address
    )
    values (
        p_organisation, v_valid_from, p_legal_name, v_number,
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
'Registers what the law wants to be told of an organisation on its receipts, from a day on (today, if none is given): receipts that are printed from now on, of payments from that day on, say it; copies say what their original said. p_organisation_number: nine digits, spaces are left out. Returns the row of books.organisation. Name, number and address may be put right for days of a closed period too; whether it is in the VAT register may not change there, since its vouchers go by that. 22023: no legal name, no valid number (modulus 11), a day before 2000 or after 2100, or another VAT registration in a closed period; P0002: no such organisation; 25000: not at read committed.';
