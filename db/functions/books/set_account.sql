create or replace function books.set_account(p_account int, p_name text)
returns int
language plpgsql security definer
set search_path = pg_catalog, books, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_name', p_name);
    if p_account is null or p_account not between 1000 and 9999 or coalesce(trim(p_name), '') = '' or p_account = (select a.account from books.account as a where a.is_suspense)
    then
        raise exception 'an account needs a number of four digits and a name' using
            errcode = '22023',
            detail = format('Number %s, name %L.', p_account, p_name),
            hint = 'Numbers are those of NS 4102, or sub-accounts in its groups; the suspense account stays as it is.';
    end if;
    insert into books.account as a (account, account_name)
    values (p_account, p_name)
    on conflict (account) do update set account_name = excluded.account_name;
    return p_account;
end;
$$;

comment on function books.set_account(int, text) is
'Adds an account that voucher rules may name, or renames it. 22023: no number of four digits, or no name.';
