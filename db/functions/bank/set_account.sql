create or replace function bank.set_account(p_account_number text, p_account_name text, p_currency text default 'NOK')
returns int
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_number constant text := bank.account_number(p_account_number);
    v_account int;
begin
    perform books.check_text('p_account_name', p_account_name, 'p_currency', p_currency);
    if v_number is null or v_number !~ '^[A-Z0-9]{4,34}$' or coalesce(trim(p_account_name), '') = '' or p_currency is null or p_currency !~ '^[A-Z]{3}$'
    then
        raise exception 'an account needs a number, a name and a currency' using
            errcode = '22023',
            detail = format('Number %L, name %L, currency %L.', p_account_number, p_account_name, p_currency),
            hint = 'For example 1506 00 12345 or its IBAN, Drift, NOK.';
    end if;
    insert into bank.account as a (account_name, account_number, currency)
    values (trim(p_account_name), v_number, p_currency)
    on conflict (account_number) do update set account_name = excluded.account_name
    where a.currency = excluded.currency
    returning a.account into v_account;
    if v_account is null then
        raise exception 'the account has another currency' using
            errcode = '22023',
            detail = format('Account %s.', v_number),
            hint = 'An account keeps its currency: its entries are in it.';
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

comment on function bank.set_account(text, text, text) is
'Adds one of our accounts, or renames it; returns its key. 22023: no number, no name, a name that another has, or another currency than it has.';
