create or replace function books.first_open_day(p_organisation int default null)
returns date
language sql stable
return (
    select coalesce(max(p.last_day) + 1, '0001-01-01')
    from books.accounting_period as p
    where p_organisation is null or p.organisation = p_organisation
);

comment on function books.first_open_day(int) is
'The first day that lies in no closed period of an organisation, or of any where it is null: what changes vouchers (rules, the date of an event) applies from then on.';
