create or replace function bank.expect(p_until date default null)
returns table (route_name text, items bigint, amount numeric)
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_today constant date := billig.local_time()::date;
    v_until date;
    v_whole date;
    v_last constant bigint := (select coalesce(max(e.expected), 0) from bank.expected as e);
begin
    perform books.check_day('p_until', p_until);
    v_until := least(coalesce(p_until, v_today - 1), v_today);
    v_whole := least(v_until, v_today - 1); -- of what is the sum of a day: today is not over
    perform billig.need_read_committed();
    -- One at a time: the next one sees what this one has taken.
    perform from bank.route as r order by r.route for update;

    perform bank.expect_sessions(v_until);
    perform bank.expect_payments(v_until, v_whole);
    perform bank.expect_attempts(v_until);
    perform bank.analyze_grown('bank.expected', (select count(*) from bank.expected as e where e.expected > v_last));

    return query
    select r.route_name::text, count(*), sum(e.amount)
    from bank.expected as e
    inner join bank.route as r on e.route = r.route
    where e.expected > v_last
    group by r.route_name
    order by r.route_name;
end;
$$;

comment on function bank.expect(date) is
'Adds what is to be expected of goods until a day, by default yesterday, one row per item as bank.route says; returns one row per settlement route of what was added, NOK. Until today: closed till sessions, single payments and attempts, but no sum of a day that is not over. The cash of a till session is named TILL- and its number: what a depositor writes on the bag. Each payment is taken once; one that comes late is an item of its own. Money owed back (billig.owed_back) is expected too, when it came, with the payment of its reference, and when it was paid back, named by that reference. 25000 not at read committed.';
