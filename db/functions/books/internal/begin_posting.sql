create or replace function books.begin_posting()
returns void
language plpgsql
as $$
begin
    -- What follows is today's in the books: no period closes until it has committed. It goes by clock_timestamp(), after
    -- the lock; now() may be of yesterday.
    lock table books.accounting_period in share mode;
    if billig.local_time(clock_timestamp())::date < books.first_open_day() then
        raise exception 'the server''s clock is behind a closed period' using
            errcode = '23B45',
            detail = format('Today is %s, and periods are closed up to %s.',
                billig.local_time(clock_timestamp())::date, books.first_open_day() - 1),
            hint = 'Set the clock right: nothing may be dated in a closed period.';
    end if;
end;
$$;

comment on function books.begin_posting() is
'Begins what vouchers and settlements date by the clock and not by the log: tills and money owed back. No period closes until its transaction has ended. 23B45: the clock is behind a closed period.';
