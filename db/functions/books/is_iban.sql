create or replace function books.is_iban(p_text text)
returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
return (
    select case
        when n.iban !~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$' then false
        when n.iban ~ '^NO' and n.iban !~ '^NO[0-9]{2}0000' and not books.is_account_number(substr(n.iban, 5)) then false
        else (
            select string_agg(
                case when c.letter ~ '[A-Z]' then (ascii(c.letter) - 55)::text else c.letter end, '' order by c.place
            )::numeric % 97 = 1
            from regexp_split_to_table(substr(n.iban, 5) || left(n.iban, 4), '') with ordinality as c (letter, place)
        )
    end
    from (select upper(translate(p_text, ' .-', '')) as iban) as n
);

comment on function books.is_iban(text) is
'Whether this can be an IBAN: its check digits are right (ISO 13616, modulus 97), and of Norway the account number''s as well. Spaces, full stops and hyphens do not count. Whether there is such an account only a bank knows.';
