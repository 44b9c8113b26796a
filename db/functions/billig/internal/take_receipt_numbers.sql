create or replace function billig.take_receipt_numbers(
    p_cash_point int, p_organisation int, p_sales int, p_returns int, p_both int
)
returns billig.receipt_series
language plpgsql
as $$
declare
    v_series billig.receipt_series;
begin
    loop
        update billig.receipt_series as s
        set
            last_transaction = s.last_transaction + p_sales + p_returns + p_both,
            last_sale = s.last_sale + p_sales,
            last_return = s.last_return + p_returns,
            last_both = s.last_both + p_both
        where
            s.receipt_series = (
                select c.receipt_series from billig.receipt_series as c where c.cash_point = p_cash_point
                union all
                select o.receipt_series from billig.receipt_series as o where o.organisation = p_organisation
            )
        returning s.* into v_series;
        exit when found;
        insert into billig.receipt_series (cash_point, organisation)
        values (p_cash_point, p_organisation)
        on conflict do nothing; -- waits for who is just making it
    end loop;
    return v_series;
end;
$$;

comment on function billig.take_receipt_numbers(int, int, int, int, int) is
'Takes the next numbers of a cash point, or else of an organisation: so many of each kind. Returns the last ones taken. It locks that one row until the transaction ends; a rollback gives the numbers back. May be null: p_cash_point, p_organisation.';
