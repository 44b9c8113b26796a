create or replace function bank.account_number(p_number text)
returns text
language sql immutable parallel safe
return (
    select case when n.number ~ '^NO[0-9]{13}$' then substr(n.number, 5) else n.number end
    from (
        -- a bank's code (BIC) and a stroke before it, a currency after it, and how it is set out are not the number
        select regexp_replace(
            regexp_replace(
                regexp_replace(upper(p_number), '^\s*[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?/', ''),
                '[^A-Z0-9]', '', 'g'
            ),
            '^([A-Z0-9]*[0-9])[A-Z]{3}$', '\1'
        ) as number
    ) as n
);

comment on function bank.account_number(text) is
'An account number as bank.account has it, however a bank writes it: capitals and digits alone, without a BIC before or a currency after it, a Norwegian IBAN as its eleven digits.';
