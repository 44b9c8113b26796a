create or replace function billig.late_payments()
returns table (payment bigint, organisation int, transaction_date date, posting_date date)
language plpgsql stable parallel safe security definer
rows 10
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_last date;
begin
    select max(p.last_day) into v_last from books.accounting_period as p;
    if v_last is null then
        return;
    end if;
    return query
    select r.payment, r.organisation, r.transaction_date, r.posting_date
    from billig.late_payment as r
    union all
    select u.payment, u.organisation, u.transaction_date, u.posting_date
    from billig.unrolled_payment as u
    where
        u.transaction_date + 0 <= v_last -- + 0: as in late_rows
        and u.posting_date > u.transaction_date;
end;
$$;

comment on function billig.late_payments() is
'Payments whose money came too late for the closed period of the organisation that has it, and the day it counts on instead: late_rows for money, whose holder may have closed what the tickets'' owner has not.';
