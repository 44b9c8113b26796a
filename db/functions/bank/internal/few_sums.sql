create or replace function bank.few_sums(p_amounts numeric[], p_left_out int)
returns table (places int[], amount numeric)
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
begin atomic
    with recursive sums as (
        select array[]::int[] as places, 0::numeric as amount
        union all
        select s.places || n, s.amount + p_amounts[n]
        from sums as s
        cross join lateral generate_series(coalesce(s.places[cardinality(s.places)], 0) + 1, cardinality(p_amounts)) as n
        where cardinality(s.places) < 4
    )

    select s.places, s.amount from sums as s
    where cardinality(s.places) > 0
    union
    select
        array(select n from generate_series(1, cardinality(p_amounts)) as n where n <> all (s.places)),
        (select sum(a) from unnest(p_amounts) as a) - s.amount
    from sums as s
    where p_left_out >= cardinality(s.places) and cardinality(p_amounts) > 4 + cardinality(s.places);
end;

comment on function bank.few_sums(numeric[], int) is
'Sums of up to four of some amounts, and of all but p_left_out or fewer (-1: none of those): places, from 1, and what they come to. Bounded on purpose: among all sums of twenty amounts any deposit is found by chance.';
