create or replace function bank.set_account(
    p_account_number text, p_account_name text, p_currency text default 'NOK', p_organisation int default null
)
returns int
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_number constant text := bank.account_number(p_account_number);
    v_organisation constant int := coalesce(
        p_organisation, (select a.organisation from bank.account as a where a.account_number = v_number)
    );
    v_account int;
begin
    perform books.check_text('p_account_name', p_account_name, 'p_currency', p_currency);
    if v_number is null or v_number !~ '^[A-Z0-9]{4,34}$' or coalesce(trim(p_account_name), '') = '' or p_currency is null or p_currency !~ '^[A-Z]{3}$'
        or v_organisation is null
    then
        raise exception 'an account needs a number, a name, a currency, and an organisation whose it is' using
            errcode = '22023',
            detail = format('Number %L, name %L, currency %L, organisation %L.',
                p_account_number, p_account_name, p_currency, v_organisation),
            hint = 'For example 1506 00 12345 or its IBAN, Drift, NOK, 2. Organisations are in billig.organisation.';
    end if;
    if not exists (select from billig.organisation as o where o.organisation = v_organisation) then
        raise exception 'no such organisation' using
            errcode = 'P0002',
            detail = format('Organisation %s.', v_organisation),
            hint = 'Organisations are in billig.organisation.';
    end if;
    insert into bank.account as a (account_name, account_number, currency, organisation)
    values (trim(p_account_name), v_number, p_currency, v_organisation)
    on conflict (account_number) do update set account_name = excluded.account_name
    where a.currency = excluded.currency and a.organisation = excluded.organisation
    returning a.account into v_account;
    if v_account is null then
        raise exception 'the account has another currency, or is another organisation''s' using
            errcode = '22023',
            detail = format('Account %s, currency %s, organisation %s.', v_number, p_currency, v_organisation),
            hint = 'An account keeps both: its entries are in them.';
    end if;
    return v_account;
exception
    when unique_violation then
        raise exception 'another account has the name' using
            errcode = '22023',
            detail = format('Account %s, name %L.', v_number, p_account_name),
            hint = 'Reports go by the name: choose another.';
end;
$$;

comment on function bank.set_account(text, text, text, int) is
'Adds one of our accounts, or renames it; returns its key. p_organisation: in whose books it is (null: as it was; a new one needs it). 22023: no number, no name, a name that another has, no organisation, or another currency or organisation than it has; P0002: no such organisation.';
