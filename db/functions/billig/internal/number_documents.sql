create or replace function billig.number_documents(
    p_payments bigint[], p_organisations int[], p_kinds text[], p_cash_points int[]
)
returns table (payment bigint, organisation int, receipt_series int, transaction_number int, receipt_number int)
language sql
begin atomic
    with document as (
        select
            d.payment, d.organisation, d.kind, d.cash_point,
            case when d.cash_point is null then d.organisation end as owner
        from unnest(p_payments, p_organisations, p_kinds, p_cash_points) as d (payment, organisation, kind, cash_point)
    ),

    taken as materialized (
        select
            c.cash_point, c.owner, c.sales, c.returns, c.of_both,
            s.receipt_series, s.last_transaction, s.last_sale, s.last_return, s.last_both
        from (
            select
                d.cash_point, d.owner,
                count(*) filter (where d.kind = 'SALE')::int as sales,
                count(*) filter (where d.kind = 'RETURN')::int as returns,
                count(*) filter (where d.kind = 'BOTH')::int as of_both
            from document as d
            group by d.cash_point, d.owner
            order by d.cash_point, d.owner -- locks in key order
        ) as c
        cross join lateral billig.take_receipt_numbers(c.cash_point, c.owner, c.sales, c.returns, c.of_both) as s
    )

    select
        d.payment, d.organisation, t.receipt_series,
        (
            t.last_transaction - t.sales - t.returns - t.of_both
            + row_number() over (partition by t.receipt_series order by d.payment, d.organisation)
        )::int,
        (
            case d.kind
                when 'SALE' then t.last_sale - t.sales
                when 'RETURN' then t.last_return - t.returns
                else t.last_both - t.of_both
            end
            + row_number() over (partition by t.receipt_series, d.kind order by d.payment, d.organisation)
        )::int
    from document as d
    inner join taken as t on d.cash_point is not distinct from t.cash_point and d.owner is not distinct from t.owner;
end;

comment on function billig.number_documents(bigint[], int[], text[], int[]) is
'Takes numbers for receipts that have none, in order of payment: a cash point''s where there is one, else their organisation''s. Of p_cash_points each may be null.';
