create or replace function marketplace.due_date(p_kind text, p_month date)
returns date
language sql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
begin atomic
    select books.check_day('p_month', p_month);

    select marketplace.bank_day(marketplace.next_month(p_month) + (d.day_of_month - 1), d.no_bank_day)
    from marketplace.execution_day as d
    where d.kind = p_kind and d.valid_from <= p_month
    order by d.valid_from desc
    limit 1;
end;

comment on function marketplace.due_date(text, date) is
'The local day on which a month is charged (p_kind CHARGE) or paid (PAYOUT), in the month after it; null where execution_day has no row for it. May be null: the result.';
