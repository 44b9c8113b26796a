create or replace function books.is_account_number(p_text text)
returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
return (
    select
        n.digits ~ '^[0-9]{11}$' and n.digits !~ '^0000'
        and (
            select sum(w.weight * substr(n.digits, w.place::int, 1)::int) % 11
            from unnest(array[6, 7, 8, 9, 4, 5, 6, 7, 8, 9]) with ordinality as w (weight, place)
            where n.digits ~ '^[0-9]{11}$'
        ) = nullif(right(n.digits, 1), '')::int
    from (
        select case when translate(p_text, ' .-', '') ~ '^[0-9]{11}$' then translate(p_text, ' .-', '') else '' end as digits
    ) as n
);

comment on function books.is_account_number(text) is
'Whether this is a Norwegian account number: eleven digits, of which the last is the check digit (modulus 11). Spaces, full stops and hyphens do not count.';
