create or replace function bank.account_number(p_number text)
returns text
language sql immutable parallel safe
return (
    select case when n.number ~ '^NO[0-9]{13}$' then substr(n.number, 5) else n.number end
    from (select upper(regexp_replace(p_number, '[ .]', '', 'g')) as number) as n
);

comment on function bank.account_number(text) is
'An account number as bank.account has it: capitals, no spaces or points, a Norwegian IBAN as its eleven digits.';
