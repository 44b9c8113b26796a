create or replace function marketplace.rolled_into(p_transaction bigint)
returns bigint
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    with recursive way as (
        select t.transaction, t.rolled_to, 0 as steps
        from marketplace.transaction as t
        where t.transaction = p_transaction
        union all
        select t.transaction, t.rolled_to, w.steps + 1
        from way as w
        inner join marketplace.transaction as t on w.rolled_to = t.transaction
    )

    select w.transaction from way as w order by w.steps desc limit 1;
end;

comment on function marketplace.rolled_into(bigint) is
'The transaction that a month below the minimum has gone on to by now, over however many months; itself where it did not.';
