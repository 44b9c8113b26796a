create or replace function books.posting_date(
    p_organisation int, p_transaction_date date, p_era int, p_xact_id xid8
)
returns date
language plpgsql stable parallel safe security definer
cost 1
set search_path = pg_catalog, books, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_day('p_transaction_date', p_transaction_date);
    -- The first period, from its own on, whose close saw it; else the first day that is open.
    return (
        select
            greatest(
                p_transaction_date,
                coalesce(
                    min(p.first_day) filter (
                        where p_era < p.era
                            or (p_era = p.era and pg_visible_in_snapshot(p_xact_id, p.snapshot))
                    ),
                    max(p.last_day) + 1
                )
            )
        from books.accounting_period as p
        where p.organisation = p_organisation and p.last_day >= p_transaction_date
    );
end;
$$;

comment on function books.posting_date(int, date, int, xid8) is
'The day that a log row counts on, by its organisation, its date and its transaction: its own date, unless that is in a closed period whose close did not see it. Asked for the few rows of the tail that are dated so early: hence its cost, which keeps the planner from compiling (JIT) what it will hardly call.';
