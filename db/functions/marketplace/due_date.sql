create or replace function marketplace.due_date(p_kind text, p_month date)
returns date
language sql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
begin atomic
    select books.check_day('p_month', p_month);

    select
        greatest(
            marketplace.bank_day(marketplace.next_month(p_month) + (d.day_of_month - 1), d.no_bank_day),
            -- Nobody is charged before there was time to look at the month.
            case
                when d.review_days > 0
                    then marketplace.bank_day((m.closed_at at time zone books.time_zone())::date + d.review_days, case d.no_bank_day when 'SAME' then 'SAME' else 'NEXT' end)
            end
        )
    from marketplace.execution_day as d
    left join marketplace.month as m on m.month = p_month
    where d.kind = p_kind and d.valid_from <= p_month
    order by d.valid_from desc
    limit 1;
end;

comment on function marketplace.due_date(text, date) is
'The local day on which a month is charged (p_kind CHARGE) or paid (PAYOUT), in the month after it, and not before its review is over (execution_day.review_days, counted from the close); null where execution_day has no row for it. May be null: the result.';
