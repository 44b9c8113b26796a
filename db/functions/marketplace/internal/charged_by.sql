create or replace function marketplace.charged_by(p_transactions bigint [])
returns table (transaction bigint, final_transaction bigint)
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    with recursive step as (
        select distinct t.transaction as first, t.transaction, t.rolled_to
        from marketplace.transaction as t
        where t.transaction = any(p_transactions)
        union all
        select s.first, t.transaction, t.rolled_to
        from step as s
        inner join marketplace.transaction as t on s.rolled_to = t.transaction
    )

    select s.first, s.transaction
    from step as s
    where s.rolled_to is null;
end;

comment on function marketplace.charged_by(bigint []) is
'By which transaction each of these is settled: itself, or the one that it rolled over to in the end.';
